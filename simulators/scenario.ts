import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { durationMs } from '../domain/duration.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { faultKinds } from './faults/fault-kinds.ts'
import { findModel } from './models/models.ts'

const duration = z
  .string()
  .transform((text) => durationMs(text) ?? Number.NaN)
  .refine((ms) => ms >= 0, 'expected a duration such as 30s, 15m, 2h, 7d')
const positiveDuration = duration.refine((ms) => ms > 0, 'expected a duration above 0')
/** How much faster than life a run can be: with less nothing is ever due, with more nobody can send what is. */
export const speedRange = { least: 0.001, most: 1_000_000 } as const
/** One value, or the two ends of the range from which each seed draws. */
const range = <T extends z.ZodType>(of: T) =>
  z.union([of.transform((one) => [one, one] as const), z.tuple([of, of])])
const name = z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'lower case letters, digits, - and _')
const parameterValue = z.union([z.number(), z.boolean(), z.string()])
/** The same for each device, or one of a list for each in turn. `{n}` is the device's number. */
const parameters = z.record(z.string(), z.union([parameterValue, z.array(parameterValue).min(1)]))
const labels = z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)]))

const groupSchema = z.strictObject({
  /** How faults and marks name it. */
  name,
  model: z.string().refine((text) => findModel(text) !== undefined, 'not a model, see `simulate list`'),
  count: z.int().min(1).max(100_000),
  /** Device ids, with `{n}` for the number from 1 on. */
  ids: z
    .string()
    .refine((text) => text.includes('{n}'), 'needs {n}')
    .optional(),
  interval: positiveDuration.optional(),
  labels: labels.default({}),
  parameters: parameters.default({}),
})

/** Faults of one kind, as scenarios and fault files list them. */
export const faultSchema = z.strictObject({
  kind: z.string().refine((text) => Object.hasOwn(faultKinds, text), 'not a kind of fault'),
  /** A group of the fleet; without it all devices (that can have it). */
  group: name.optional(),
  /** How many devices of the group, drawn by the seed; or a share of them. */
  count: z.int().min(1).optional(),
  share: z.number().gt(0).max(1).optional(),
  /** A label: all devices with the same value of it fail together, as one fault of the group; `count` is then of values. */
  together: z.string().optional(),
  /** Or these devices. */
  devices: z.array(z.string()).min(1).optional(),
  /** After the start; and how long it lasts, else to the end. */
  onset: range(duration).default([0, 0]),
  lasts: range(duration).optional(),
  severity: range(z.number().positive()).default([1, 1]),
  /** Of sensor faults: one metric, or several of which each device gets one; without it all its gauges. */
  metric: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  parameters: z.record(z.string(), z.number()).default({}),
  /** Instead of what the kind expects. */
  expect: z.array(z.string()).optional(),
})

/** A figure of the score that must be reached; see docs/SIMULATOR.md for the figures. */
export const markSchema = z.strictObject({
  figure: z.string().min(1),
  fault: z.string().optional(),
  rule: z.string().optional(),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
})

export const scenarioSchema = z.strictObject({
  name,
  description: z.string().min(1),
  /** Virtual time from start to end. */
  length: positiveDuration,
  /** How much faster than life, unless --speed says otherwise. */
  speed: z.union([z.literal('max'), z.number().min(speedRange.least).max(speedRange.most)]).default('max'),
  packs: z.array(z.string()).default([]),
  /** Rules beyond the packs, as `POST /rules` takes them. */
  rules: z.array(z.record(z.string(), z.unknown())).default([]),
  fleet: z.array(groupSchema).min(1),
  faults: z.array(faultSchema).default([]),
  /** Parts that are killed during the run, in turn. */
  kills: z.array(z.enum(['ingest', 'rules', 'storage', 'platform'])).default([]),
  pass: z.array(markSchema).default([]),
})

export type Scenario = z.infer<typeof scenarioSchema>
export type FleetGroup = Scenario['fleet'][number]
export type FaultEntry = z.infer<typeof faultSchema>
export type Mark = z.infer<typeof markSchema>

// From this folder and from that of the bundle.
const folder = join(import.meta.dirname, '../simulators/scenarios')

/** Names of the scenarios that ship. */
export function shippedScenarios(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort()
}

/** Some ten thousand faults; what is longer takes minutes to read. */
const fileBytesMax = 1024 * 1024

/** A scenario that ships, by its name, or one in a file. Throws TIDEMARK_SCENARIO_INVALID (exit code 2) with the field. */
export function loadScenario(nameOrFile: string): Scenario {
  const file = shippedScenarios().includes(nameOrFile) ? join(folder, `${nameOrFile}.yaml`) : nameOrFile
  return parsed(scenarioSchema, file, `expected one of ${shippedScenarios().join(', ')}, or a file`)
}

const faultFileSchema = z.strictObject({ faults: z.array(faultSchema) })

/** The faults of a fault file. Throws TIDEMARK_SCENARIO_INVALID (exit code 2) with the field. */
export function loadFaults(file: string): FaultEntry[] {
  return parsed(faultFileSchema, file, 'expected none, dirty, hostile or a file').faults
}

function parsed<T>(schema: z.ZodType<T>, file: string, hint: string): T {
  let text: string
  try {
    if (statSync(file).size > fileBytesMax) throw new Error(`${file} is longer than ${fileBytesMax} bytes`)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw invalid(`${messageOf(error)}: ${hint}`)
  }
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    throw invalid(`${file}: ${messageOf(error)}`)
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalid(`${file}: /${issue?.path.join('/')}: ${issue?.message}`)
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_SCENARIO_INVALID', message, { exitCode: 2 })
}
