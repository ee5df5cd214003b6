import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { BacktestPlan, BacktestStep } from '../../rules/backtest.ts'
import { Backtests } from '../../threads/backtests.ts'
import { fridge, storedRule } from '../rules/evaluation.ts'
import { builtBacktestThread } from '../support/built-threads.ts'
import { tempDir } from '../support/temp-dir.ts'

const plan: BacktestPlan = { rule: storedRule(), others: [], devices: [fridge], profiles: [] }
const readings = (...values: number[]): BacktestStep => ({
  kind: 'readings',
  readings: values.map((value, at) => ({
    device: fridge.id,
    time: at * 1000,
    values: { temperature_c: value },
  })),
})
async function* steps(...given: BacktestStep[]) {
  yield* given
}
const evaluate: BacktestStep = { kind: 'evaluate' }
/** A thread that is none of ours, to see what becomes of those that misbehave. */
function threadOf(program: string): URL {
  const file = join(tempDir(), 'thread.mjs')
  writeFileSync(file, `import { parentPort } from 'node:worker_threads'\n${program}`)
  return pathToFileURL(file)
}
function started(options: ConstructorParameters<typeof Backtests>[0]) {
  const backtests = new Backtests(options)
  onTestFinished(() => backtests.stop())
  return backtests
}
/** A promise and the function that resolves it. */
function gate() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

test('a test runs in a thread and tells what it found, in order of time', async () => {
  const backtests = started({ file: builtBacktestThread })
  const result = await backtests.run(
    plan,
    steps(readings(9), { kind: 'forget' }, readings(1, 9, 1, 9), evaluate),
  )
  expect(result).toMatchObject({ evaluated: 4, truncated: false })
  expect(result.transitions.map(({ transition, time }) => `${transition} ${time}`)).toEqual([
    'raised 1970-01-01T00:00:01.000Z',
    'cleared 1970-01-01T00:00:02.000Z',
    'raised 1970-01-01T00:00:03.000Z',
  ])
})

test('a step is asked for only when the one before is done', async () => {
  const echo =
    "parentPort.on('message', ({ kind }) => kind !== 'begin' && parentPort.postMessage({ kind: 'done' }))"
  const backtests = started({ file: threadOf(echo) })
  const { open, opened } = gate()
  let asked = 0
  async function* slowly() {
    asked = 1
    yield readings(1)
    asked = 2
    await opened
    yield evaluate
  }
  const running = backtests.run(plan, slowly())
  await expect.poll(() => asked).toBe(2)
  open()
  expect(await running).toEqual({ transitions: [], evaluated: 0, truncated: false })
})

test('one runs at a time, three wait, and the next is refused', async () => {
  const backtests = started({ file: builtBacktestThread })
  const { open, opened } = gate()
  const begun: number[] = []
  async function* held(n: number) {
    begun.push(n)
    await opened
    yield readings(9)
    yield evaluate
  }
  const running = [0, 1, 2, 3].map((n) => backtests.run(plan, held(n)))
  await expect(backtests.run(plan, held(4))).rejects.toMatchObject({ code: 'TIDEMARK_RULE_TEST_QUEUE' })
  await expect.poll(() => begun).toEqual([0])
  open()
  for (const { transitions } of await Promise.all(running)) expect(transitions).toHaveLength(1)
  expect(begun).toEqual([0, 1, 2, 3])
  expect(await backtests.run(plan, held(5))).toMatchObject({ evaluated: 1 })
})

test('what takes too long ends with what it has found', async () => {
  const progress = { transitions: [{ device: 'x', time: '2026' }], evaluated: 7, isFull: false }
  const hang = `parentPort.postMessage({ kind: 'progress', progress: ${JSON.stringify(progress)} }); for (;;);`
  const backtests = started({ file: threadOf(hang), timeMsMax: 1_500 })
  const result = await backtests.run(plan, steps(evaluate))
  expect(result).toEqual({ transitions: progress.transitions, evaluated: 7, truncated: true })
})

test('a bound that is met ends it, and nothing more is asked for', async () => {
  const full = `parentPort.on('message', ({ kind }) => {
    if (kind === 'begin') return
    parentPort.postMessage({ kind: 'progress', progress: { transitions: [], evaluated: 3, isFull: true } })
    parentPort.postMessage({ kind: 'done' })
  })`
  const backtests = started({ file: threadOf(full) })
  let asked = 0
  async function* many() {
    for (;;) {
      asked++
      yield evaluate
    }
  }
  expect(await backtests.run(plan, many())).toEqual({ transitions: [], evaluated: 3, truncated: true })
  expect(asked).toBe(1)
})

test.each([
  ['throws', "throw new Error('broken')"],
  ['exits', 'process.exit(3)'],
  ['runs out of memory', 'const all = []; for (;;) all.push(new Array(1e5).fill(all.length))'],
])('a thread that %s fails its own test alone', async (_name, program) => {
  const crashing = `parentPort.on('message', ({ kind, plan }) => {
    if (kind === 'begin') {
      if (plan.rule.id === 'bad') { ${program} }
      return
    }
    parentPort.postMessage({ kind: 'done' })
  })`
  // Little memory and much time: a busy machine must not end it before it has run out.
  const backtests = started({ file: threadOf(crashing), heapMbMax: 64, timeMsMax: 100_000 })
  const bad = { ...plan, rule: storedRule({ id: 'bad' }) }
  const failed = backtests.run(bad, steps(evaluate))
  const next = backtests.run(plan, steps(evaluate))
  await expect(failed).rejects.toThrow('the thread of a rule’s test')
  expect(await next).toMatchObject({ truncated: false })
})

test('what the readings’ source throws is thrown on, and the next runs', async () => {
  const backtests = started({ file: builtBacktestThread })
  // biome-ignore lint/correctness/useYield: it fails before it has anything
  async function* broken(): AsyncGenerator<BacktestStep> {
    throw new Error('the store is away')
  }
  await expect(backtests.run(plan, broken())).rejects.toThrow('the store is away')
  expect(await backtests.run(plan, steps(readings(9), evaluate))).toMatchObject({ evaluated: 1 })
})

test('a thread is kept for the next test, but not for long, and never after a test that was not done', async () => {
  const counting = `let tests = 0
    parentPort.on('message', ({ kind }) => {
      if (kind === 'begin') return void tests++
      const progress = { transitions: [], evaluated: tests, isFull: false }
      if (kind === 'end') parentPort.postMessage({ kind: 'progress', progress })
      parentPort.postMessage({ kind: 'done' })
    })`
  const backtests = started({ file: threadOf(counting), idleMsMax: 60_000 })
  const nth = async (own = backtests) => (await own.run(plan, steps(evaluate))).evaluated
  expect([await nth(), await nth(), await nth()]).toEqual([1, 2, 3])
  // biome-ignore lint/correctness/useYield: it fails before it has anything
  async function* broken(): AsyncGenerator<BacktestStep> {
    throw new Error('the store is away')
  }
  await expect(backtests.run(plan, broken())).rejects.toThrow()
  expect(await nth()).toBe(1)
  const forgetful = started({ file: threadOf(counting), idleMsMax: 0 })
  expect(await nth(forgetful)).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await nth(forgetful)).toBe(1)
})

test('nothing of a test is left in its thread for the next', async () => {
  const backtests = started({ file: builtBacktestThread })
  const first = await backtests.run(plan, steps(readings(9, 1, 9), evaluate))
  expect(first.transitions).toHaveLength(3)
  expect(await backtests.run(plan, steps(readings(9, 1, 9), evaluate))).toEqual(first)
})

test('a stop ends the one that runs and those that wait', async () => {
  const backtests = new Backtests({ file: threadOf('for (;;);') })
  const running = [backtests.run(plan, steps(evaluate)), backtests.run(plan, steps(evaluate))]
  await backtests.stop()
  for (const result of await Promise.all(running)) expect(result).toMatchObject({ truncated: true })
  await expect(backtests.run(plan, steps())).rejects.toMatchObject({ code: 'TIDEMARK_RULE_TEST_QUEUE' })
})
