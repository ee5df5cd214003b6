import { Command, InvalidArgumentError } from 'commander'
import { isDeviceId, isDeviceType, isLabelName } from '../domain/names.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { NewDevice } from '../simulators/api-client.ts'
import { planRun } from '../simulators/plan.ts'
import { CredentialsFile, devicesOfFile, numberedDevices, provision } from '../simulators/provision.ts'
import { checkedScenario } from '../simulators/scenario-check.ts'
import { type ApiFlags, client, withApi } from './connection.ts'
import { seed, wholeNumber } from './simulate-options.ts'
import { interruptible, progressLine, report } from './terminal.ts'

type Labels = Readonly<Record<string, string>>

interface ProvisionFlags extends ApiFlags {
  scenario?: string
  devices?: number
  seed: number
  file?: string
  type?: string
  count?: number
  ids?: string
  label?: Labels
  rotate?: boolean
  out?: string
  json?: boolean
}

/** `tidemark simulate provision` */
export function provisionCommand(): Command {
  return withApi(new Command('provision'))
    .description('register devices and write their credentials; nothing is sent')
    .option('--scenario <name|file>', 'the devices of a scenario, see `list`')
    .option('--devices <n>', 'so many of them; else the scenario’s own number', wholeNumber)
    .option('--seed <n>', 'of the scenario', seed, 42)
    .option('--file <file>', 'or those of a file: {"id","type","labels"} a line')
    .option('--type <type>', 'or devices of one type', deviceType)
    .option('--count <n>', 'of --type: how many', wholeNumber)
    .option('--ids <pattern>', 'of --type: their ids, where {n} is the number of each', idPattern)
    .option('--label <name=value>', 'label of every device, may be repeated', label)
    .option('--rotate', 'give new secrets to devices that are known already; else they keep theirs')
    .option('--out <file>', 'append the credentials to it, readable by its owner only; else standard output')
    .option('--json', 'the report as one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ tidemark simulate provision --scenario coldchain --out secrets.ndjson\n' +
        '  $ tidemark simulate provision --type fridge --count 10 --ids "fridge-{n}" --label site=berlin --out secrets.ndjson\n' +
        '  $ tidemark simulate provision --file devices.ndjson --rotate\n\n' +
        'Credentials are lines {"id","type","username","password"}, of devices that are new or, with --rotate, of all. A\n' +
        'secret is shown once. Without --out the credentials are on standard output and the report on standard error.\n' +
        'Exit code 1: a device was refused; 2: usage; 3: the platform does not answer.\n',
    )
    .action(async (flags: ProvisionFlags) => {
      const devices = labelled(await chosen(flags), flags.label)
      const api = client(flags)
      const file = flags.out === undefined ? undefined : new CredentialsFile(flags.out)
      const progress = progressLine()
      const write = (line: string) => (file === undefined ? process.stdout.write(line) : file.write(line))
      const onProgress = (count: number) => progress(`${count} devices`)
      await interruptible(async (signal) => {
        const until = untilAborted(devices, signal)
        const result = await provision({ devices: until, api, rotate: !!flags.rotate, write, onProgress })
        file?.close()
        report(result, flags.json, file === undefined ? process.stderr : process.stdout)
        if (result.failed > 0) process.exitCode = 1
      })
    })
}

/** The devices that the flags name; exactly one of the three ways to name them. */
async function chosen(flags: ProvisionFlags): Promise<Iterable<NewDevice>> {
  const { scenario, file, type, devices, count, ids } = flags
  const ways = [scenario, file, type].filter((way) => way !== undefined)
  if (ways.length !== 1) throw invalid('say which devices: one of --scenario, --file and --type')
  if (devices !== undefined && scenario === undefined) throw invalid('--devices goes with --scenario')
  if ((count !== undefined || ids !== undefined) && type === undefined)
    throw invalid('--count and --ids go with --type')
  if (file !== undefined) return devicesOfFile(file)
  if (scenario !== undefined) {
    // What a device is registered as follows from its number alone: any time will do.
    const loaded = checkedScenario(scenario)
    const options = { seed: flags.seed, startMs: Date.UTC(2026, 0, 1), lengthMs: loaded.length, devices }
    return planRun(loaded, options).devices.map(({ id, type, labels }) => ({
      id,
      type,
      labels,
    }))
  }
  const pattern = ids ?? `${type!.replaceAll('_', '-')}-{n}`
  const last = pattern.replaceAll('{n}', String(count ?? 1))
  if (!isDeviceId(last)) throw invalid(`--ids: ${last} is not a device id`)
  if ((count ?? 1) > 1 && !pattern.includes('{n}'))
    throw invalid('--ids needs {n}, the number of each device')
  return numberedDevices(type!, count ?? 1, pattern)
}

function* labelled(devices: Iterable<NewDevice>, labels: Labels | undefined): Generator<NewDevice> {
  for (const device of devices) {
    yield labels === undefined ? device : { ...device, labels: { ...device.labels, ...labels } }
  }
}

/** Interrupted, what is on its way is finished and no more begun. */
function* untilAborted(devices: Iterable<NewDevice>, signal: AbortSignal): Generator<NewDevice> {
  for (const device of devices) {
    if (signal.aborted) return
    yield device
  }
}

function deviceType(text: string): string {
  if (isDeviceType(text)) return text
  throw new InvalidArgumentError('expected a device type such as smart_meter')
}

function idPattern(text: string): string {
  if (isDeviceId(text.replaceAll('{n}', '1'))) return text
  throw new InvalidArgumentError('expected a device id with {n}, such as fridge-{n}')
}

function label(text: string, before: Labels = {}): Labels {
  const at = text.indexOf('=')
  const name = text.slice(0, at)
  if (at > 0 && isLabelName(name)) return { ...before, [name]: text.slice(at + 1) }
  throw new InvalidArgumentError('expected name=value, such as site=berlin')
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_PROVISION_INVALID', message, { exitCode: 2 })
}
