import { Command, InvalidArgumentError } from 'commander'
import { bench, benchDeviceId } from '../simulators/bench.ts'
import { client } from './connection.ts'
import { type Connection, durationOption, rateHint, wholeNumber, withConnection } from './simulate-options.ts'
import { interruptible, progressLine, report } from './terminal.ts'

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

/** `tidemark simulate bench` */
export function benchCommand(): Command {
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

function rate(text: string): number {
  return text === 'max' ? Number.POSITIVE_INFINITY : wholeNumber(text)
}

function qos(text: string): 0 | 1 {
  if (text === '0' || text === '1') return Number(text) as 0 | 1
  throw new InvalidArgumentError('expected 0 or 1')
}
