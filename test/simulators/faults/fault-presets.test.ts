import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { shippedProfiles } from '../../../domain/shipped-profiles.ts'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { faultKinds } from '../../../simulators/faults/fault-kinds.ts'
import { presetFaults, presets } from '../../../simulators/faults/fault-presets.ts'
import { sensedValues } from '../../../simulators/faults/sensor-faults.ts'
import { transmissions } from '../../../simulators/faults/transport-faults.ts'
import { models } from '../../../simulators/models/models.ts'
import { faultSchema } from '../../../simulators/scenario.ts'
import { checkedFaults, checkedScenario } from '../../../simulators/scenario-check.ts'
import { repositoryRoot } from '../../support/platform-process.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { minuteMs, someFault, startMs } from './some-fault.ts'

const lengthMs = 10_000 * minuteMs
/** A preset's faults of one device, each at the latest onset that it can have. */
const faultsOf = (preset: (typeof presets)[number]): Fault[] =>
  presetFaults(preset, lengthMs).map((entry, nth) => {
    const onsetMs = startMs + entry.onset[1]
    const endMs = entry.lasts === undefined ? startMs + lengthMs : onsetMs + entry.lasts[1]
    return someFault(entry.kind, entry.parameters, { id: `${entry.kind}-${nth}`, onsetMs, endMs })
  })

describe.each(presets)('%s', (preset) => {
  test('each entry is one of a fault file, of sensors or transport, within the run', () => {
    for (const { onset, lasts = [0, 0], ...entry } of presetFaults(preset, lengthMs)) {
      expect(faultSchema.parse({ ...entry, onset: '0s' })).toMatchObject(entry)
      expect(faultKinds[entry.kind]!.class).toMatch(/^(sensor|transport)$/)
      expect(onset[1] + lasts[1]).toBeLessThan(lengthMs)
      const taken = Object.keys(faultKinds[entry.kind]!.parameters)
      expect(taken).toEqual(expect.arrayContaining(Object.keys(entry.parameters)))
    }
  })
})

test('none adds nothing; hostile adds to dirty every kind of transport fault, and no fault of a counter', () => {
  const kinds = (preset: (typeof presets)[number]) => presetFaults(preset, lengthMs).map(({ kind }) => kind)
  expect(kinds('none')).toEqual([])
  expect(presetFaults('hostile', lengthMs).slice(0, 5)).toEqual(presetFaults('dirty', lengthMs))
  const transport = Object.keys(faultKinds).filter((kind) => faultKinds[kind]!.class === 'transport')
  expect(kinds('hostile')).toEqual(expect.arrayContaining(transport))
  expect(kinds('hostile').filter((kind) => kind.startsWith('counter_'))).toEqual([])
})

test.each(models.map((model) => [model.name, model] as const))(
  'hostile leaves what is no gauge of a %s as it is, and touches every gauge',
  (_name, model) => {
    const faults = faultsOf('hostile')
    const device = model.create(1, 'a')
    const touched = new Set<string>()
    for (let i = 0; i < 2_000; i++) {
      const timeMs = startMs + i * minuteMs
      const truth = device.valuesAt(timeMs)
      const shown = sensedValues(device, faults, 1, timeMs)
      for (const metric in truth) if (shown[metric] !== truth[metric]) touched.add(metric)
    }
    const values = device.valuesAt(startMs)
    const profile = shippedProfiles.find(({ type }) => type === model.type)
    const isGauge = (metric: string) => profile?.metrics[metric]?.kind === 'gauge'
    expect([...touched].sort()).toEqual(Object.keys(values).filter(isGauge).sort())
  },
)

test('of a run with dirty as many readings arrive, arrive late and arrive whole as TSBS says', () => {
  const readings = Array.from({ length: 10_000 }, (_, i) => {
    const ts = startMs + i * minuteMs
    return { dueMs: ts, reading: { seq: i + 1, ts, values: { a: 1, b: 2, c: 3, d: 4 } } }
  })
  const sent = [
    ...transmissions('a', readings, faultsOf('dirty'), { seed: 1, intervalMs: minuteMs }),
  ].flatMap((one) => (one.kind === 'reading' ? [one] : []))
  const share = (of: number) => of / sent.length
  expect(sent.length / 10_000).toBeCloseTo(0.99 * 0.9, 1)
  expect(share(sent.filter(({ dueMs, reading }) => dueMs > reading.ts).length)).toBeCloseTo(1 - 0.7 * 0.95, 1)
  const values = sent.reduce((sum, { reading }) => sum + Object.keys(reading.values).length, 0)
  expect(share(values) / 4).toBeCloseTo(0.9, 1)
})

test('the fault file of docs/SIMULATOR.md is one, of the fridges of coldchain', () => {
  const page = readFileSync(join(repositoryRoot, 'docs/SIMULATOR.md'), 'utf8')
  const example = /^```yaml\n(faults:[^`]*)^```/m.exec(page)?.[1]
  const file = join(tempDir(), 'faults.yaml')
  writeFileSync(file, example ?? '')
  const faults = checkedFaults(file, checkedScenario('coldchain'))
  expect(faults.map(({ kind, onset, severity }) => [kind, ...onset, ...severity])).toEqual([
    ['drift', 86_400_000, 259_200_000, 1.6, 1.6],
    ['gap', 43_200_000, 43_200_000, 1, 1],
    ['late', 0, 0, 1, 1],
  ])
})

test('the presets of docs/SIMULATOR.md have the kinds that the code has', () => {
  const page = readFileSync(join(repositoryRoot, 'docs/SIMULATOR.md'), 'utf8')
  const told = [...page.matchAll(/^\| `(dirty|hostile)` +\| ([^|]+)\|/gm)].flatMap(([, preset, kinds]) =>
    [...kinds!.matchAll(/`(\w+)`/g)].map(([, kind]) => `${preset} ${kind}`),
  )
  const dirty = new Set(presetFaults('dirty', lengthMs).map(({ kind }) => `dirty ${kind}`))
  const more = presetFaults('hostile', lengthMs).slice(presetFaults('dirty', lengthMs).length)
  expect(told.sort()).toEqual([...dirty, ...new Set(more.map(({ kind }) => `hostile ${kind}`))].sort())
})
