import { Command, InvalidArgumentError, Option } from 'commander'
import type { RateStep } from '../simulators/bench/rate-steps.ts'
import { type BenchReport, bench, benchDefaults, benchDeviceId } from '../simulators/bench.ts'
import { client } from './connection.ts'
import {
  type Connection,
  durationOption,
  positive,
  rateHint,
  wholeNumber,
  withConnection,
} from './simulate-options.ts'
import { interruptible, progressLine, report } from './terminal.ts'

interface BenchFlags extends Connection {
  devices: number
  connectRate: number
  rate: number
  duration: number
  messages?: number
  inFlight: number
  qos: 0 | 1 | 2
  payloadBytes?: number
  steps?: readonly number[]
  findKnee?: true
  stepDuration: number
  kneeMs: number
  anonymous?: boolean
  ledger?: string
}

const help = `
Examples:
  $ tidemark simulate bench --devices 50 --rate 5000 --duration 30s --json
  $ tidemark simulate bench --rate max --anonymous --url mqtt://127.0.0.1:1884
  $ tidemark simulate bench --devices 5000 --connect-rate 200 --rate 500 --qos 2 --url mqtts://127.0.0.1:8883
  $ tidemark simulate bench --payload-bytes 1000 --find-knee --step-duration 10s --knee-ms 50

Figures:
  sent, acknowledged  messages; acknowledged is PUBACK, at QoS 2 PUBCOMP, at QoS 0 handed to the socket
  rate                acknowledged messages a second, from the first message to the last acknowledgement
  ackMs               from the time at which a message was due to its acknowledgement
  generatorLateMs     how much later than due messages left: the generator's own part of ackMs
  generatorBusy       share of the time of sending in which the generator had work, 0 to 1
  boundBy             who was the limit: generator (late by more than 10 ms at p99, or busy all the time: the broker
                      could do more than this), broker, or schedule (both kept to the rate)
  connections         open and refused, and seconds until all were
  connectMs           from the attempt to connect to CONNACK; at QoS 2 an old session is ended first
  steps, knee         each rate that was tried; the highest that held: 99 % acknowledged in time, p99 below --knee-ms
  reconnects          connections that were lost and came back
  cpuSeconds          CPU time of the generator

`

/** `tidemark simulate bench` */
export function benchCommand(): Command {
  return withConnection(new Command('bench'))
    .description('put load on a broker and measure its acknowledgements')
    .option('--devices <n>', 'connections', wholeNumber, 50)
    .option('--connect-rate <n>', 'connections to open a second', positive, benchDefaults.connectRate)
    .option('--rate <n|max>', 'messages a second on schedule, or as fast as the window allows', rate, 5_000)
    .addOption(durationOption('--duration', 'how long to send', 30))
    .option('--messages <n>', 'stop after this many', wholeNumber)
    .option('--in-flight <n>', 'window of each connection with --rate max', wholeNumber, 50)
    .option(
      '--qos <0|1|2>',
      'quality of service; at 0 a message counts as acknowledged when it is handed to the socket',
      qos,
      1,
    )
    .option('--payload-bytes <n>', 'fill each message up to this size with text', wholeNumber)
    .addOption(
      new Option('--steps <rates>', 'try these rates one after another, as in 1000,2000,5000')
        .argParser(rates)
        .conflicts(['findKnee', 'rate', 'duration', 'messages']),
    )
    .addOption(
      new Option(
        '--find-knee',
        'double the rate until the broker cannot keep up, then narrow it down',
      ).conflicts(['rate', 'duration', 'messages']),
    )
    .addOption(durationOption('--step-duration', 'of each rate', benchDefaults.stepDurationMs / 1_000))
    .option('--knee-ms <ms>', 'a rate holds when p99 is below this', positive, benchDefaults.kneeMs)
    .option('--anonymous', 'connect without credentials and provision nothing')
    .option('--ledger <file>', 'append a line for each acknowledged message')
    .addHelpText('after', help + rateHint)
    .action(async (flags: BenchFlags) => {
      const progress = progressLine()
      await interruptible(async (signal) => {
        const ids = Array.from({ length: flags.devices }, (_, i) => ({
          id: benchDeviceId(i),
          type: 'smart_meter',
        }))
        const credentials = flags.anonymous ? undefined : await client(flags).provision(ids)
        const { url, devices, connectRate, inFlight, qos, payloadBytes, kneeMs, ledger } = flags
        const result = await bench({
          url,
          devices,
          connectRate,
          inFlight,
          qos,
          payloadBytes,
          kneeMs,
          ledger,
          credentials,
          signal,
          rate: flags.rate,
          durationMs: flags.duration,
          messagesMax: flags.messages,
          steps: flags.findKnee ? 'knee' : flags.steps,
          stepDurationMs: flags.stepDuration,
          onConnecting: (connected) => progress(`connected ${connected} of ${devices}`),
          onProgress: (p) => progress(`sent ${p.sent}, acknowledged ${p.acknowledged}`),
        })
        report(flags.json ? result : readable(result), flags.json)
        if (result.acknowledged < result.sent || result.connections.refused > 0) process.exitCode = 1
      })
    })
}

/** A line for each step. */
function readable(result: BenchReport): object {
  if (result.steps === undefined) return result
  return { ...result, steps: result.steps.map(stepLine), knee: result.knee ?? 'none of these rates held' }
}

function stepLine({ rate, acknowledgedRate, ackMs, generatorLateMs, boundBy, holds }: RateStep): string {
  const late = generatorLateMs.p99.toFixed(1)
  const measured = `acknowledged ${acknowledgedRate}/s, p50 ${ackMs.p50.toFixed(1)} ms, p99 ${ackMs.p99.toFixed(1)} ms`
  return `${rate}/s ${holds ? 'holds' : 'does not hold'}: ${measured}, generator late ${late} ms; bound by ${boundBy}`
}

function rate(text: string): number {
  return text === 'max' ? Number.POSITIVE_INFINITY : wholeNumber(text)
}

function rates(text: string): number[] {
  return text.split(',').map(wholeNumber)
}

function qos(text: string): 0 | 1 | 2 {
  if (/^[012]$/.test(text)) return Number(text) as 0 | 1 | 2
  throw new InvalidArgumentError('expected 0, 1 or 2')
}
