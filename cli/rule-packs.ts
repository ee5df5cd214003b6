import { Command, InvalidArgumentError } from 'commander'
import { type ApiFlags, client, withApi } from './connection.ts'

interface Connection extends ApiFlags {
  json?: boolean
}

interface Pack {
  readonly name: string
  readonly description: string
  readonly standards: readonly string[]
}

interface PackRule {
  readonly id: string
  readonly name: string
  readonly severity: string
  readonly when: { readonly kind: string }
  readonly labels: { readonly standard: string }
}

type Installed = Readonly<Record<'installed' | 'unchanged' | 'kept', readonly string[]>>

/** `tidemark rules packs …`: the rule packs that ship with the platform. */
export function packsCommand(): Command {
  return new Command('packs')
    .description('rule packs that ship: list them, look into one, install its rules')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(installCommand())
}

function listCommand(): Command {
  return withConnection(new Command('list'))
    .description('list the packs')
    .addHelpText('after', '\nExample:\n  $ tidemark rules packs list\n')
    .action(async (flags: Connection) => {
      const { items } = await client(flags).request<{ items: Pack[] }>('GET', '/rule-packs')
      if (flags.json) print({ items })
      else for (const { name, description } of items) write(`${name.padEnd(14)} ${description}`)
    })
}

function showCommand(): Command {
  return withConnection(new Command('show'))
    .description('show the rules of a pack, each with its source')
    .argument('<name>', 'as `list` names it', packName)
    .addHelpText('after', '\nExample:\n  $ tidemark rules packs show indoor-air\n')
    .action(async (name: string, flags: Connection) => {
      const pack = await client(flags).request<Pack & { rules: PackRule[] }>('GET', `/rule-packs/${name}`)
      if (flags.json) return print(pack)
      write(`${pack.description}\n`)
      for (const { id, name, severity, when, labels } of pack.rules)
        write(`${id}\n    ${name}\n    ${severity}, ${when.kind}; ${labels.standard}`)
    })
}

interface InstallFlags extends Connection {
  label?: Record<string, string>
  device?: string[]
  replace?: boolean
}

function installCommand(): Command {
  return withConnection(new Command('install'))
    .description('install the rules of a pack; those that were edited since are left alone')
    .argument('<name>', 'as `list` names it', packName)
    .option('--label <name=value>', 'only for devices with this label; may be given again', label)
    .option('--device <id>', 'only for this device; may be given again', (id, ids: string[] = []) => [
      ...ids,
      id,
    ])
    .option('--replace', 'put those that were edited back too')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark rules packs install electricity\n' +
        '  $ tidemark rules packs install water --label site=berlin\n',
    )
    .action(async (name: string, flags: InstallFlags) => {
      const select = {
        ...(flags.label === undefined ? {} : { labels: flags.label }),
        ...(flags.device === undefined ? {} : { devices: flags.device }),
      }
      const body = { pack: name, select, replace: flags.replace === true }
      const result = await client(flags).request<Installed>('POST', '/rules:install', body)
      if (flags.json) return print(result)
      for (const [what, ids] of Object.entries(result)) {
        const note = what === 'kept' && ids.length > 0 ? ' (edited since: left alone, see --replace)' : ''
        write(`${what.padEnd(10)} ${ids.length}${note}`)
        for (const id of what === 'unchanged' ? [] : ids) write(`  ${id}`)
      }
    })
}

function withConnection(command: Command): Command {
  return withApi(command).option('--json', 'one JSON object on standard output')
}

function packName(text: string): string {
  if (/^[a-z][a-z-]{0,63}$/.test(text)) return text
  throw new InvalidArgumentError('expected the name of a pack, such as electricity')
}

function label(text: string, labels: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at > 0) return { ...labels, [text.slice(0, at)]: text.slice(at + 1) }
  throw new InvalidArgumentError('expected name=value')
}

function print(result: object): void {
  write(JSON.stringify(result))
}

function write(line: string): void {
  process.stdout.write(`${line}\n`)
}
