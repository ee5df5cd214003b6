import { type Command, InvalidArgumentError, Option } from 'commander'
import { durationMs } from '../domain/duration.ts'
import { type Preset, presetFaults, presets } from '../simulators/faults/fault-presets.ts'
import { mqttTarget } from '../simulators/mqtt-publisher.ts'
import { type FaultEntry, type Scenario, speedRange } from '../simulators/scenario.ts'
import { checkedFaults } from '../simulators/scenario-check.ts'
import { type ApiFlags, withApi } from './connection.ts'

/** Flags of a command that speaks to the broker and to the API. */
export interface Connection extends ApiFlags {
  url: string
  json?: boolean
}

/** What users of fast replays and loads run into. */
export const rateHint =
  'Tidemark takes 200 messages a second of one device unless it is started with --device-rate-max 0.\n'

/** Adds `--url`, `--api`, `--token` and `--json`. */
export function withConnection(command: Command): Command {
  return withApi(command.option('--url <url>', 'MQTT broker', mqttUrl, 'mqtt://127.0.0.1:1883')).option(
    '--json',
    'one JSON object on standard output',
  )
}

/** A flag that takes a duration; its value is in ms. */
export function durationOption(name: string, description: string, seconds: number): Option {
  const option = new Option(`${name} <duration>`, description)
  return option.argParser(duration).default(seconds * 1_000, `${seconds}s`)
}

/** Parsers of flags: the value, or a usage error that says what was expected. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,11}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a whole number above 0')
}

export function seed(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a whole number')
}

export function mqttUrl(text: string): string {
  if (mqttTarget(text) !== undefined) return text
  throw new InvalidArgumentError('expected mqtt://host:port or mqtts://host:port')
}

export function positive(text: string): number {
  if (Number(text) > 0 && Number.isFinite(Number(text))) return Number(text)
  throw new InvalidArgumentError('expected a number above 0')
}

export function duration(text: string): number {
  const ms = durationMs(text)
  if (ms !== undefined && ms > 0) return ms
  throw new InvalidArgumentError('expected a duration such as 30s, 10m, 2h')
}

export function time(text: string): number {
  const ms = Date.parse(text)
  if (!Number.isNaN(ms)) return ms
  throw new InvalidArgumentError('expected a time such as 2026-11-23T12:00:00Z')
}

/** `max` is Infinity. */
export function speedOrMax(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY
  const { least, most } = speedRange
  if (Number(text) >= least && Number(text) <= most) return Number(text)
  throw new InvalidArgumentError(`expected max or a number from ${least} to ${most}`)
}

/** What `--faults` adds to a run of `lengthMs`: a preset’s, or those of a file. Throws TIDEMARK_SCENARIO_INVALID (exit code 2). */
export function addedFaults(given: string, lengthMs: number, scenario: Scenario): readonly FaultEntry[] {
  return (presets as readonly string[]).includes(given)
    ? presetFaults(given as Preset, lengthMs)
    : checkedFaults(given, scenario)
}
