import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { presetFaults } from '../../simulators/faults/fault-presets.ts'
import { type GenerateOptions, generate } from '../../simulators/generate.ts'
import { type Plan, planRun } from '../../simulators/plan.ts'
import { ndjsonRecording } from '../../simulators/recording.ts'
import { scenarioSchema } from '../../simulators/scenario.ts'
import { scheduled } from '../../simulators/schedule.ts'
import { tempDir } from '../support/temp-dir.ts'

const startMs = Date.UTC(2026, 0, 1)
const hourMs = 3_600_000
const scenario = scenarioSchema.parse({
  name: 'small',
  description: 'two fridges and two meters',
  length: '1h',
  fleet: [
    { name: 'fridge', model: 'fridge', count: 2, labels: { site: 'a, b' } },
    { name: 'meter', model: 'smart_meter', count: 2 },
  ],
})
const plan = (more: Partial<Parameters<typeof planRun>[1]> = {}): Plan =>
  planRun(scenario, { seed: 1, startMs, lengthMs: hourMs, ...more })
const never = new AbortController().signal

async function written(options: Partial<GenerateOptions> & { plan: Plan }) {
  const out = join(tempDir(), 'out')
  const report = await generate({ format: 'ndjson', out, signal: never, ...options })
  return { report, out, text: readFileSync(out, 'utf8') }
}
const linesOf = (text: string) => text.trim().split('\n')

test('a line is a message as it would be published, with its device and type, in the order in which it is due', async () => {
  const { report, text } = await written({ plan: plan() })
  const expected = [...scheduled(plan())].map((one) => {
    if (one.kind !== 'reading') throw new Error(one.kind)
    const { seq, ts, values } = one.reading
    const type = one.device.startsWith('fridge') ? 'fridge' : 'smart_meter'
    return JSON.stringify({ device: one.device, type, ts, seq, values })
  })
  expect(expected).toHaveLength(240)
  expect(linesOf(text)).toEqual(expected)
  expect(report).toMatchObject({ scenario: 'small', seed: 1, devices: 4, readings: 240, leftOut: 0 })
})

test('the same seed gives the same bytes, another seed others; more devices change none of the lines', async () => {
  const faults = presetFaults('hostile', hourMs)
  const [first, again, other, more] = [
    await written({ plan: plan({ faults }) }),
    await written({ plan: plan({ faults }) }),
    await written({ plan: plan({ faults, seed: 2 }) }),
    await written({ plan: plan({ faults, devices: 8 }) }),
  ]
  expect(again.text).toBe(first.text)
  expect(other.text).not.toBe(first.text)
  const known = linesOf(more.text).filter((line) => /"device":"(fridge|meter)-[12]"/.test(line))
  expect(known).toEqual(linesOf(first.text))
  expect(linesOf(more.text).length).toBeGreaterThan(known.length)
})

test('what is no reading is left out and counted; a value that the sensor did not give is null', async () => {
  const faults = presetFaults('hostile', hourMs)
  const { report, text } = await written({ plan: plan({ faults, devices: 20 }) })
  const all = [...scheduled(plan({ faults, devices: 20 }))]
  const readings = all.filter(({ kind }) => kind === 'reading')
  expect(all.length).toBeGreaterThan(readings.length)
  expect(report).toMatchObject({ readings: readings.length, leftOut: all.length - readings.length })
  expect(text).toContain(':null')
})

test('what it wrote is a recording', async () => {
  const { out } = await written({ plan: plan() })
  const recording = await ndjsonRecording(out)
  expect(new Set(recording.devices.map(({ id, type }) => `${id} ${type}`))).toEqual(
    new Set(['fridge-1 fridge', 'fridge-2 fridge', 'meter-1 smart_meter', 'meter-2 smart_meter']),
  )
})

test('line protocol has the same readings, with the labels that are tags', async () => {
  const { report, text } = await written({ plan: plan(), format: 'lp' })
  expect(report.readings).toBe(240)
  const lines = linesOf(text)
  expect(lines).toHaveLength(240)
  for (const line of lines) {
    expect(line).toMatch(/^(fridge,device=fridge-\d,site=a\\,\\ b|smart_meter,device=meter-\d) \S+ \d{19}$/)
  }
  const inMs = await written({ plan: plan(), format: 'lp', precision: 'ms' })
  expect(linesOf(inMs.text)).toEqual(lines.map((line) => line.slice(0, -6)))
})

describe('the stream', () => {
  test('is made no faster than it is taken', async () => {
    const long = plan({ lengthMs: 200 * hourMs })
    let made = 0
    const taken: (() => void)[] = []
    const out = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        taken.push(done)
      },
    })
    const interruption = new AbortController()
    const onProgress = ({ readings }: { readings: number }) => {
      made = readings
    }
    const ended = generate({ plan: long, format: 'ndjson', out, signal: interruption.signal, onProgress })
    await expect.poll(() => taken.length).toBe(1)
    // One chunk is being taken; a few more are made before it is.
    const turns = 50
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(taken).toHaveLength(1)
    expect(made).toBeLessThan(4_000)
    out.destroy()
    await ended
  })

  test('whose reader is gone ends the command, and that is no error', async () => {
    let bytes = 0
    const out = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length
        done(bytes > 200_000 ? Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) : undefined)
      },
    })
    const report = await generate({
      plan: plan({ lengthMs: 200 * hourMs }),
      format: 'ndjson',
      out,
      signal: never,
    })
    expect(report.readings).toBeLessThan(10_000)
  })

  test('that fails otherwise is an error: exit code 2', async () => {
    const out = new Writable({ write: (_chunk, _encoding, done) => done(new Error('no space left')) })
    await expect(generate({ plan: plan(), format: 'ndjson', out, signal: never })).rejects.toMatchObject({
      code: 'TIDEMARK_OUT_INVALID',
      exitCode: 2,
    })
  })

  test('is left open: it may be standard output', async () => {
    const out = new Writable({ write: (_chunk, _encoding, done) => done() })
    await generate({ plan: plan(), format: 'ndjson', out, signal: never })
    expect(out.writableEnded).toBe(false)
  })
})

test('interrupted, it has written whole lines', async () => {
  const interruption = new AbortController()
  const { report, text } = await written({
    plan: plan({ lengthMs: 2_000 * hourMs }),
    signal: interruption.signal,
    onProgress: () => interruption.abort(),
  })
  expect(report.readings).toBeLessThan(100_000)
  expect(linesOf(text)).toHaveLength(report.readings)
  for (const line of linesOf(text)) JSON.parse(line)
})

test('a file that cannot be written: exit code 2', async () => {
  const out = join(tempDir(), 'missing', 'out')
  await expect(generate({ plan: plan(), format: 'ndjson', out, signal: never })).rejects.toMatchObject({
    code: 'TIDEMARK_OUT_INVALID',
    exitCode: 2,
  })
  expect(existsSync(out)).toBe(false)
})
