import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import { stringify } from 'yaml'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import type { ApiProblem } from '../simulators/api-client.ts'
import { type ApiFlags, client, withApi } from './connection.ts'
import { type RuleInFile, readRules, readSamples } from './rule-files.ts'
import { packsCommand } from './rule-packs.ts'

/** Of `:test` and whole sets: a test may wait for three others of 30 s. */
const longAnswerMs = 150_000

interface Flags extends ApiFlags {
  readonly json?: boolean
}

interface SetChanges {
  readonly created: readonly string[]
  readonly updated: readonly {
    readonly id: string
    readonly changes: readonly {
      readonly pointer: string
      readonly before?: unknown
      readonly after?: unknown
    }[]
  }[]
  readonly unchanged: readonly string[]
  readonly deleted: readonly string[]
}

interface RuleLine {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly severity: string
  readonly version: number
  readonly when: { readonly kind: string }
}

/** `tidemark rules …`: the rules of a running platform. */
export function rulesCommand(): Command {
  return new Command('rules')
    .description('list, apply, test and export the rules of a running platform')
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(applyCommand())
    .addCommand(deleteCommand())
    .addCommand(testCommand())
    .addCommand(validateCommand())
    .addCommand(exportCommand())
    .addCommand(packsCommand())
}

function listCommand(): Command {
  return command('list', 'list the rules')
    .addHelpText('after', '\nExamples:\n  $ tidemark rules list\n  $ tidemark rules list --json\n')
    .action(async (flags: Flags) => {
      const rules: RuleLine[] = []
      for await (const rule of client(flags).items<RuleLine>('/rules')) rules.push(rule)
      if (flags.json) print({ rules })
      else {
        table(
          ['ID', 'VERSION', 'ENABLED', 'SEVERITY', 'KIND', 'NAME'],
          rules.map((rule) => [
            rule.id,
            String(rule.version),
            rule.enabled ? 'yes' : 'no',
            rule.severity,
            rule.when.kind,
            rule.name,
          ]),
        )
      }
    })
}

function getCommand(): Command {
  return command('get', 'print one rule as JSON')
    .argument('<id>', 'id of the rule')
    .addHelpText('after', '\nExample:\n  $ tidemark rules get fridge-too-warm\n')
    .action(async (id: string, flags: Flags) => {
      const rule = await client(flags).request('GET', `/rules/${encodeURIComponent(id)}`)
      if (flags.json) print(rule)
      else write(`${JSON.stringify(rule, null, 2)}\n`)
    })
}

function applyCommand(): Command {
  return command('apply', 'make the rules of the platform what files say, all or nothing')
    .requiredOption('-f, --file <file|dir>', 'JSON or YAML; of a folder every .json, .yaml and .yml below it')
    .option('--dry-run', 'only say what would change')
    .option('--prune', 'delete the rules that are not in the files')
    .option('-y, --yes', 'delete without asking')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark rules apply -f rules/ --dry-run\n  $ tidemark rules apply -f fridges.yaml\n' +
        '  $ tidemark rules apply -f rules/ --prune --yes\n\n+ is created, ~ updated, - deleted.\n',
    )
    .action(async (flags: Flags & { file: string; dryRun?: boolean; prune?: boolean; yes?: boolean }) => {
      const files = rulesOf(flags.file)
      const send = (dryRun: boolean) =>
        client(flags, longAnswerMs).request<SetChanges>(
          'POST',
          `/rules:apply?dryRun=${dryRun}&prune=${flags.prune === true}`,
          { rules: files.map(({ rule }) => rule) },
        )
      await withPlaces(files, async () => {
        const planned = await send(true)
        if (flags.dryRun) {
          showChanges(planned, flags)
          return
        }
        if (planned.deleted.length > 0 && !flags.yes) await confirmDeletion(planned.deleted)
        showChanges(await send(false), flags)
      })
    })
}

function deleteCommand(): Command {
  return command('delete', 'delete a rule; what stands of its alarms is cleared')
    .argument('<id>', 'id of the rule')
    .addHelpText('after', '\nExample:\n  $ tidemark rules delete fridge-too-warm\n')
    .action(async (id: string, flags: Flags) => {
      const path = `/rules/${encodeURIComponent(id)}`
      await client(flags).request('DELETE', path, undefined, { 'if-match': '*' })
      if (flags.json) print({ deleted: [id] })
      else write(`- ${id}\n`)
    })
}

interface TestFlags extends Flags {
  readonly file: string
  readonly from?: string
  readonly to?: string
  readonly device?: string[]
  readonly samples?: string
  readonly until?: string
}

function testCommand(): Command {
  return command('test', 'try a rule on stored readings, or on samples, without keeping it')
    .requiredOption('-f, --file <file>', 'JSON or YAML file with one rule')
    .option('--from <time>', 'stored readings from this time on, RFC 3339')
    .option('--to <time>', 'to before this time')
    .option('--device <id...>', 'only of these devices')
    .option('--samples <file>', 'samples: NDJSON or a JSON list of {"device","type","labels","ts","values"}')
    .option('--until <time>', 'how far the clock runs after the samples')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ tidemark rules test -f fridge.yaml --from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z\n' +
        '  $ tidemark rules test -f fridge.yaml --samples night.ndjson --until 2026-11-02T06:00:00Z --json\n',
    )
    .action(async (flags: TestFlags) => {
      const files = rulesOf(flags.file)
      if (files.length !== 1) throw usage(`${flags.file} has ${files.length} rules; one is tried at a time`)
      const [{ rule, placeOf }] = files as [RuleInFile]
      const { from, to, device, samples, until } = flags
      if (samples === undefined && (from === undefined || to === undefined))
        throw usage('give --from and --to for stored readings, or --samples')
      const body = {
        rule,
        from,
        to,
        devices: device,
        samples: samples === undefined ? undefined : readSamples(samples),
        until,
      }
      await withPlaces([{ rule, placeOf }], async () => {
        const answer = await client(flags, longAnswerMs).request<TestAnswer>('POST', '/rules:test', body)
        if (flags.json) print(answer)
        else showTest(answer)
      })
    })
}

function validateCommand(): Command {
  return command('validate', 'check rules against each other and those of the platform, without keeping them')
    .requiredOption('-f, --file <file|dir>', 'JSON or YAML; of a folder every .json, .yaml and .yml below it')
    .addHelpText('after', '\nExample:\n  $ tidemark rules validate -f rules/\n')
    .action(async (flags: Flags & { file: string }) => {
      const files = rulesOf(flags.file)
      await withPlaces(files, async () => {
        const answer = await client(flags, longAnswerMs).request<{ rules: number }>(
          'POST',
          '/rules:validate',
          {
            rules: files.map(({ rule }) => rule),
          },
        )
        if (flags.json) print(answer)
        else write(`${answer.rules} rules are valid\n`)
      })
    })
}

function exportCommand(): Command {
  return command('export', 'print all rules as one set, as `apply` takes it')
    .option('-o, --output <file>', 'write to a file; YAML where its name ends in .yaml or .yml')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark rules export > rules.json\n  $ tidemark rules export -o rules.yaml\n',
    )
    .action(async (flags: Flags & { output?: string }) => {
      const set = await client(flags, longAnswerMs).request<{ rules: unknown[] }>('GET', '/rules:export')
      const { output } = flags
      if (output === undefined) {
        write(`${JSON.stringify(set, null, flags.json ? 0 : 2)}\n`)
        return
      }
      try {
        writeFileSync(output, /\.ya?ml$/.test(output) ? stringify(set) : `${JSON.stringify(set, null, 2)}\n`)
      } catch (error) {
        throw new TidemarkError('TIDEMARK_RULE_FILE', messageOf(error), { exitCode: 2 })
      }
      if (flags.json) print({ rules: set.rules.length, output })
      else write(`${set.rules.length} rules in ${output}\n`)
    })
}

function command(name: string, description: string): Command {
  return withApi(new Command(name).description(description)).option(
    '--json',
    'one JSON object on standard output',
  )
}

function rulesOf(path: string): RuleInFile[] {
  const files = readRules(path)
  if (files.length === 0) throw usage(`${path} has no rule in it`)
  return files
}

/** Says of problems with rules where they stand in the files. */
async function withPlaces(files: readonly RuleInFile[], work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const { code, errors = [] } = ((error as Error).cause ?? {}) as Partial<ApiProblem>
    if (!(error instanceof TidemarkError) || errors.length === 0) throw error
    const lines = errors.map(({ pointer, detail }) => {
      const [, at, inner] = /^\/rules?(?:\/(\d+)(?=\/|$))?(.*)$/s.exec(pointer) ?? []
      const file = pointer.startsWith('/rules/')
        ? files[Number(at)]
        : pointer.startsWith('/rule')
          ? files[0]
          : undefined
      const rest = file === undefined ? pointer : (inner ?? '')
      return `${file === undefined ? '' : `${file.placeOf(rest)}: `}${rest === '' ? '' : `${rest}: `}${detail}\n`
    })
    process.stderr.write(lines.join(''))
    throw new TidemarkError(
      code ?? error.code,
      `refused, with ${lines.length === 1 ? 'this problem' : `these ${lines.length} problems`}`,
    )
  }
}

async function confirmDeletion(ids: readonly string[]): Promise<void> {
  const question = `${ids.length} rules will be deleted: ${ids.join(', ')}`
  if (!process.stdin.isTTY) throw usage(`${question}; say --yes if they should be`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`${question}. Go on? [y/N] `)
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new TidemarkError('TIDEMARK_RULES_KEPT', 'nothing was changed')
}

function usage(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_RULES_USAGE', message, { exitCode: 2 })
}

function showChanges(changes: SetChanges, { json, dryRun }: { json?: boolean; dryRun?: boolean }): void {
  if (json) {
    print(changes)
    return
  }
  const { created, updated, unchanged, deleted } = changes
  for (const id of created) write(`+ ${id}\n`)
  for (const one of updated) {
    write(`~ ${one.id}\n`)
    for (const { pointer, before, after } of one.changes)
      write(`    ${pointer}: ${shown(before)} → ${shown(after)}\n`)
  }
  for (const id of deleted) write(`- ${id}\n`)
  const counts = `${created.length} created, ${updated.length} updated, ${unchanged.length} unchanged, ${deleted.length} deleted`
  write(`${counts}${dryRun ? ' (dry run: nothing was changed)' : ''}\n`)
}

interface TestAnswer {
  readonly transitions: readonly {
    readonly device: string
    readonly transition: string
    readonly time: string
    readonly severity: string
    readonly message: string
  }[]
  readonly evaluated: number
  readonly truncated: boolean
}

function showTest({ transitions, evaluated, truncated }: TestAnswer): void {
  const rows = transitions.map((one) => [one.time, one.transition, one.severity, one.device, one.message])
  table(['TIME', 'TRANSITION', 'SEVERITY', 'DEVICE', 'MESSAGE'], rows)
  const cut = truncated ? '; cut short: a bound or the time limit was met' : ''
  write(`${transitions.length} transitions over ${evaluated} readings${cut}\n`)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [head, ...rows]
  const widths = head.map((_, column) => all.reduce((most, row) => Math.max(most, row[column]!.length), 0))
  for (const row of all)
    write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()}\n`,
    )
}

function shown(value: unknown): string {
  return value === undefined ? '(none)' : JSON.stringify(value)
}

function print(value: unknown): void {
  write(`${JSON.stringify(value)}\n`)
}

function write(text: string): void {
  process.stdout.write(text)
}
