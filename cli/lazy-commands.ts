import type { Command } from 'commander'

/** By name, each loaded when it is asked for: what others are made of would double the time of a start. */
export type LazyCommands = ReadonlyMap<string, () => Promise<Command>>

/** The command that is asked for; all of them for help, and for what is no command. */
export async function loaded(commands: LazyCommands, asked: string | undefined): Promise<Command[]> {
  const own = commands.get(asked ?? '')
  return Promise.all((own === undefined ? [...commands.values()] : [own]).map((load) => load()))
}
