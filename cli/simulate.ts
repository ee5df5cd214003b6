import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { durationMs } from '../domain/duration.ts'
import { TidemarkError } from '../lib/errors.ts'
import { ApiClient } from '../simulators/api-client.ts'
import { bench, benchDeviceId } from '../simulators/bench.ts'
import { models } from '../simulators/models/models.ts'
import { replay } from '../simulators/replay.ts'
import { loadReplayMap } from '../simulators/replay-map.ts'
import { run } from '../simulators/run.ts'
import { verify } from '../simulators/verify.ts'
import { interruptible, progressLine, report } from './terminal.ts'

interface Connection {
  url: string
  api: string
  token?: string
  json?: boolean
}

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
    .description('list the kinds of device that can be simulated')
    .option('--json', 'one JSON object on standard output')
    .action(({ json }: { json?: boolean }) => {
      const shown = models.map(({ type, description, intervalMs }) => ({ type, description, intervalMs }))
      if (json) process.stdout.write(`${JSON.stringify({ devices: shown })}\n`)
      else
        for (const { type, description } of shown) process.stdout.write(`${type.padEnd(18)} ${description}\n`)
    })
}

function runCommand(): Command {
  return withConnection(new Command('run'))
    .description('run a fleet with one device of each kind in turn')
    .option('--devices <n>', 'number of devices', wholeNumber, 12)
    .option('--duration <duration>', 'how long to run', duration, 60_000)
    .option('--speed <factor>', 'how much faster virtual time passes', positive, 1)
    .option('--seed <n>', 'the same seed gives the same readings', wholeNumber, 42)
    .option('--start <time>', 'virtual time at the start, RFC 3339; else so that the run ends now', time)
    .option('--ledger <file>', 'append a line for each acknowledged message')
    .addHelpText(
      'after',
      '\nExample:\n  $ tidemark simulate run --devices 60 --duration 5m --speed 60 --ledger run.ndjson\n',
    )
    .action(
      async (
        flags: Connection & {
          devices: number
          duration: number
          speed: number
          seed: number
          start?: number
          ledger?: string
        },
      ) => {
        const startMs = flags.start ?? Date.now() - flags.duration * flags.speed
        const progress = progressLine()
        await interruptible(async (signal) => {
          const { devices, duration: length, speed, seed, ledger } = flags
          const options = { devices, durationMs: length, speed, seed, startMs, ledger, signal }
          const onProgress = (p: { sent: number; acknowledged: number }) =>
            progress(`sent ${p.sent}, acknowledged ${p.acknowledged}`)
          report(await run({ ...options, mqttUrl: flags.url, api: client(flags), onProgress }), flags.json)
        })
      },
    )
}

function benchCommand(): Command {
  return withConnection(new Command('bench'))
    .description('put load on a broker and measure its acknowledgements')
    .option('--devices <n>', 'connections', wholeNumber, 50)
    .option('--rate <n|max>', 'messages a second on schedule, or as fast as the window allows', rate, 5_000)
    .option('--duration <duration>', 'how long to send', duration, 30_000)
    .option('--messages <n>', 'stop after this many', wholeNumber)
    .option('--in-flight <n>', 'window of each connection with --rate max', wholeNumber, 50)
    .option('--qos <0|1>', 'quality of service', qos, 1)
    .option('--anonymous', 'connect without credentials and provision nothing')
    .option('--ledger <file>', 'append a line for each acknowledged message')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark simulate bench --devices 50 --rate 5000 --duration 30s --json\n' +
        '  $ tidemark simulate bench --rate max --anonymous --url mqtt://127.0.0.1:1884\n',
    )
    .action(
      async (
        flags: Connection & {
          devices: number
          rate: number
          duration: number
          messages?: number
          inFlight: number
          qos: 0 | 1
          anonymous?: boolean
          ledger?: string
        },
      ) => {
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
      },
    )
}

function replayCommand(): Command {
  return withConnection(new Command('replay'))
    .description('play a recording (CSV) through MQTT at QoS 1')
    .argument('<file>', 'CSV file with a header')
    .requiredOption('--map <file>', 'JSON file that maps its columns to metrics')
    .option('--speed <factor|max>', 'how much faster than recorded', speedOrMax, Number.POSITIVE_INFINITY)
    .option('--device <id>', 'device id instead of the map’s')
    .option('--ledger <file>', 'append a line for each acknowledged message')
    .addHelpText(
      'after',
      '\nExample:\n  $ tidemark simulate replay house.csv --map house.json --ledger house.ndjson\n',
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
  return new Command('verify')
    .description(
      'compare a ledger of acknowledged readings with what is stored; exit code 1 when they differ',
    )
    .requiredOption('--ledger <file>', 'as written by run, bench or replay')
    .option('--api <url>', 'the platform', 'http://127.0.0.1:8080')
    .option('--token <token>', 'API token; else TIDEMARK_TOKEN or ./data/admin-token')
    .option('--settle <duration>', 'how long to wait for pending messages', duration, 30_000)
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExample:\n  $ tidemark simulate verify --ledger run.ndjson --api http://127.0.0.1:8080\n',
    )
    .action(
      async (flags: { ledger: string; api: string; token?: string; settle: number; json?: boolean }) => {
        const result = await verify({ ledger: flags.ledger, api: client(flags), settleMs: flags.settle })
        report(result, flags.json)
        if (result.missing + result.altered + result.invented + result.repeated > 0) process.exitCode = 1
      },
    )
}

function withConnection(command: Command): Command {
  return command
    .option('--url <url>', 'MQTT broker', 'mqtt://127.0.0.1:1883')
    .option('--api <url>', 'the platform', 'http://127.0.0.1:8080')
    .option('--token <token>', 'API token; else TIDEMARK_TOKEN or ./data/admin-token')
    .option('--json', 'one JSON object on standard output')
}

function client({ api, token }: { api: string; token?: string | undefined }): ApiClient {
  return new ApiClient(api, token ?? process.env.TIDEMARK_TOKEN ?? keptToken())
}

function keptToken(): string {
  try {
    return readFileSync('data/admin-token', 'utf8').trim()
  } catch {
    const message = 'a token is needed: --token, TIDEMARK_TOKEN or ./data/admin-token'
    throw new TidemarkError('TIDEMARK_TOKEN_MISSING', message, { exitCode: 2 })
  }
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,11}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a whole number above 0')
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
