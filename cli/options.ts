import { type Command, Option as Flag } from 'commander'
import { envName, flagName, type Option, options } from '../config.ts'

/** Adds a flag for each option of the configuration. The values stay text: `loadConfig` judges them. */
export function addConfigFlags(command: Command): Command {
  for (const option of options as readonly Option[]) {
    const { kind, description, fallback, isSecret } = option
    const shown = fallback === undefined ? '' : `, default ${fallback}`
    const text = `${description} (${envName(option.key)}${isSecret ? ' or …_FILE' : ''}${shown})`
    const flag = kind === 'flag' ? flagName(option.key) : `${flagName(option.key)} <${valueName(kind)}>`
    command.addOption(new Flag(flag, text))
    if (kind === 'flag') command.addOption(new Flag(flagName(option.key).replace('--', '--no-')).hideHelp())
  }
  return command
}

function valueName(kind: Option['kind']): string {
  return typeof kind === 'object' ? kind.join('|') : kind
}
