import { Command, InvalidArgumentError, Option } from 'commander'
import { durationMs } from '../domain/duration.ts'
import { isDeviceId } from '../domain/names.ts'
import { TidemarkError } from '../lib/errors.ts'
import { bench, benchDeviceId } from '../simulators/bench.ts'
import { endMs, epochMs } from '../simulators/models/model.ts'
import { models } from '../simulators/models/models.ts'
import { mqttTarget } from '../simulators/mqtt-publisher.ts'
import { replay } from '../simulators/replay.ts'
import { loadReplayMap } from '../simulators/replay-map.ts'
import { run, scenarios } from '../simulators/run.ts'
import { verify } from '../simulators/verify.ts'
import { type ApiFlags, client, withApi } from './connection.ts'
import { interruptible, progressLine, report } from './terminal.ts'

interface Connection extends ApiFlags {
  url: string
  json?: boolean
}

const rateHint =
  'Tidemark takes 200 messages a second of one device unless it is started with --device-rate-max 0.\n'

/** `tidemark simulate …`: the device simulator. */
export function simulateCommand(): Command {
  return new Command('simulate')
    .description('simulate devices, play recordings, put load on a broker, check what was stored')
    .addCommand(listCommand())
    .addCommand(runCommand())
    .addCommand(benchCommand())
    .addCommand(replayCommand())
    .addCommand(verifyCommand())
}

function listCommand(): Command {
  return new Command('list')
    .description('list the scenarios that can be run and the kinds of device that can be simulated')
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', '\nExamples:\n  $ tidemark simulate list\n  $ tidemark simulate list --json\n')
    .action(({ json }: { json?: boolean }) => {
      const devices = models.map(({ type, description, intervalMs }) => ({ type, description, intervalMs }))
      if (json) process.stdout.write(`${JSON.stringify({ scenarios, devices })}\n`)
      else {
        const line = (name: string, text: string) => `  ${name.padEnd(18)} ${text}\n`
        process.stdout.write(
          `Scenarios\n${scenarios.map(({ name, description }) => line(name, description)).join('')}` +
            `Devices\n${devices.map(({ type, description }) => line(type, description)).join('')}`,
        )
      }
    })
}

interface RunFlags extends Connection {
  devices: number
  duration: number
  speed: number
  seed: number
  start?: number
  ledger?: string
}

function runCommand(): Command {
  return withConnection(new Command('run'))
    .description('run a fleet of simulated devices, registering those that are new')
    .option('--scenario <name>', 'what to run, see `list`', scenario, 'mixed')
    .option('--devices <n>', 'number of devices', wholeNumber, 12)
    .addOption(durationOption('--duration', 'how long to run, by the wall clock', 60))
    .option('--speed <factor>', 'how much faster virtual time passes', positive, 1)
    .option('--seed <n>', 'the same seed gives the same readings', seed, 42)
    .option('--start <time>', 'virtual time at the start, RFC 3339; else so that the run ends now', time)
    .option('--faults <preset>', 'none; faults are not implemented yet', faults, 'none')
    .option('--truth <file>', 'refused: there is no truth to write without faults', noTruth)
    .option('--ledger <file>', 'append a line for each acknowledged message')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark simulate run\n' +
        '  $ tidemark simulate run --devices 60 --duration 5m --speed 60 --ledger run.ndjson\n' +
        '  $ tidemark simulate run --start 2026-11-23T00:00:00Z --speed 1440 --duration 60s --seed 7 --json\n',
    )
    .action(async (flags: RunFlags) => {
      const { devices, duration: length, speed, seed, ledger } = flags
      const startMs = flags.start ?? Date.now() - length * speed
      if (startMs < epochMs || startMs + length * speed > endMs) {
        const message =
          'the run would leave the years 2000 to 2099, outside which the platform takes no reading'
        throw new TidemarkError('TIDEMARK_RUN_INVALID', message, { exitCode: 2 })
      }
      const progress = progressLine()
      await interruptible(async (signal) => {
        const options = { devices, durationMs: length, speed, seed, startMs, ledger, signal }
        const onProgress = (p: { sent: number; acknowledged: number }) =>
          progress(`sent ${p.sent}, acknowledged ${p.acknowledged}`)
        const result = await run({ ...options, mqttUrl: flags.url, api: client(flags), onProgress })
        report(result, flags.json)
        if (result.acknowledged < result.sent) process.exitCode = 1
      })
    })
}

interface BenchFlags extends Connection {
  devices: number
  rate: number
  duration: number
  messages?: number
  inFlight: number
  qos: 0 | 1
  anonymous?: boolean
  ledger?: string
}

function benchCommand(): Command {
  return withConnection(new Command('bench'))
    .description('put load on a broker and measure its acknowledgements')
    .option('--devices <n>', 'connections', wholeNumber, 50)
    .option('--rate <n|max>', 'messages a second on schedule, or as fast as the window allows', rate, 5_000)
    .addOption(durationOption('--duration', 'how long to send', 30))
    .option('--messages <n>', 'stop after this many', wholeNumber)
    .option('--in-flight <n>', 'window of each connection with --rate max', wholeNumber, 50)
    .option(
      '--qos <0|1>',
      'quality of service; at 0 a message counts as acknowledged when it is handed to the socket',
      qos,
      1,
    )
    .option('--anonymous', 'connect without credentials and provision nothing')
    .option('--ledger <file>', 'append a line for each acknowledged message')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark simulate bench --devices 50 --rate 5000 --duration 30s --json\n' +
        '  $ tidemark simulate bench --rate max --anonymous --url mqtt://127.0.0.1:1884\n\n' +
        rateHint,
    )
    .action(async (flags: BenchFlags) => {
      const progress = progressLine()
      await interruptible(async (signal) => {
        const ids = Array.from({ length: flags.devices }, (_, i) => ({
          id: benchDeviceId(i),
          type: 'smart_meter',
        }))
        const credentials = flags.anonymous ? undefined : await client(flags).provision(ids)
        const { url, devices, inFlight, ledger } = flags
        const result = await bench({
          url,
          devices,
          inFlight,
          ledger,
          credentials,
          signal,
          rate: flags.rate,
          durationMs: flags.duration,
          messagesMax: flags.messages,
          qos: flags.qos,
          onProgress: (p) => progress(`sent ${p.sent}, acknowledged ${p.acknowledged}`),
        })
        report(result, flags.json)
        if (result.acknowledged < result.sent) process.exitCode = 1
      })
    })
}

function replayCommand(): Command {
  return withConnection(new Command('replay'))
    .description('play a recording (CSV) through MQTT at QoS 1')
    .argument('<file>', 'CSV file with a header')
    .requiredOption('--map <file>', 'JSON file that maps its columns to metrics')
    .addOption(
      new Option('--speed <factor|max>', 'how much faster than recorded')
        .argParser(speedOrMax)
        .default(Number.POSITIVE_INFINITY, 'max'),
    )
    .option('--device <id>', 'device id instead of the map’s', deviceId)
    .option('--ledger <file>', 'append a line for each acknowledged message')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ tidemark simulate replay house.csv --map simulators/maps/household-power.json --ledger house.ndjson\n' +
        '  $ tidemark simulate replay room.csv --map simulators/maps/room-occupancy.json --speed 600\n\n' +
        'A map names the device, its type, the column, format (Unicode tokens) and zone of the time, and the column of\n' +
        'each metric with an optional scale. An empty cell is no value. A local time that occurs twice when clocks go\n' +
        'back is the first unless the row before was later; one that is skipped is read by the offset before.\n' +
        rateHint,
    )
    .action(
      async (
        file: string,
        flags: Connection & { map: string; speed: number; device?: string; ledger?: string },
      ) => {
        const map = loadReplayMap(flags.map)
        const progress = progressLine()
        await interruptible(async (signal) => {
          const result = await replay({
            file,
            map: flags.device === undefined ? map : { ...map, device: flags.device },
            mqttUrl: flags.url,
            api: client(flags),
            speed: flags.speed,
            ledger: flags.ledger,
            signal,
            onProgress: (rows) => progress(`${rows} rows`),
          })
          report(result, flags.json)
          if (result.acknowledged < result.sent) process.exitCode = 1
        })
      },
    )
}

function verifyCommand(): Command {
  return withApi(new Command('verify'))
    .description(
      'compare a ledger of acknowledged readings with what is stored; exit code 1 when they differ',
    )
    .requiredOption('--ledger <file>', 'as written by run, bench or replay')
    .addOption(durationOption('--settle', 'how long to wait for pending messages', 30))
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExample:\n  $ tidemark simulate verify --ledger run.ndjson --api http://127.0.0.1:8080\n',
    )
    .action(async (flags: ApiFlags & { ledger: string; settle: number; json?: boolean }) => {
      const result = await verify({ ledger: flags.ledger, api: client(flags), settleMs: flags.settle })
      report(result, flags.json)
      if (result.missing + result.altered + result.invented + result.repeated > 0) process.exitCode = 1
    })
}

function withConnection(command: Command): Command {
  return withApi(command.option('--url <url>', 'MQTT broker', mqttUrl, 'mqtt://127.0.0.1:1883')).option(
    '--json',
    'one JSON object on standard output',
  )
}

function durationOption(name: string, description: string, seconds: number): Option {
  const option = new Option(`${name} <duration>`, description)
  return option.argParser(duration).default(seconds * 1_000, `${seconds}s`)
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,11}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a whole number above 0')
}

function seed(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a whole number')
}

function scenario(text: string): string {
  if (scenarios.some(({ name }) => name === text)) return text
  throw new InvalidArgumentError(`expected one of: ${scenarios.map(({ name }) => name).join(', ')}`)
}

function faults(text: string): string {
  if (text === 'none') return text
  throw new InvalidArgumentError('only none: faults are not implemented yet')
}

function noTruth(): never {
  throw new InvalidArgumentError('faults are not implemented yet, so there is no truth to write')
}

function deviceId(text: string): string {
  if (isDeviceId(text)) return text
  throw new InvalidArgumentError('expected a device id: letters, digits and _ . : -, at most 64')
}

function mqttUrl(text: string): string {
  if (mqttTarget(text) !== undefined) return text
  throw new InvalidArgumentError('expected mqtt://host:port or mqtts://host:port')
}

function positive(text: string): number {
  if (Number(text) > 0 && Number.isFinite(Number(text))) return Number(text)
  throw new InvalidArgumentError('expected a number above 0')
}

function speedOrMax(text: string): number {
  return text === 'max' ? Number.POSITIVE_INFINITY : positive(text)
}

function rate(text: string): number {
  return text === 'max' ? Number.POSITIVE_INFINITY : wholeNumber(text)
}

function qos(text: string): 0 | 1 {
  if (text === '0' || text === '1') return Number(text) as 0 | 1
  throw new InvalidArgumentError('expected 0 or 1')
}

function duration(text: string): number {
  const ms = durationMs(text)
  if (ms !== undefined && ms > 0) return ms
  throw new InvalidArgumentError('expected a duration such as 30s, 10m, 2h')
}

function time(text: string): number {
  const ms = Date.parse(text)
  if (!Number.isNaN(ms)) return ms
  throw new InvalidArgumentError('expected a time such as 2026-11-23T12:00:00Z')
}
