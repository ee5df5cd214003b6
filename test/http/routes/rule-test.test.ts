import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { TidemarkError } from '../../../lib/errors.ts'
import type { TimelineQuery } from '../../../storage/reading-store.ts'
import { Backtests } from '../../../threads/backtests.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { rule as heldRule, readingsOf, startApi, startMs, type TestApi } from '../api.ts'

const minute = 60_000
const rule = { ...heldRule, for: '0s', message: '{device} is {value} °C (limit {threshold})' }
const sample = (minutes: number, value: number, more: object = {}) => ({
  device: 'fridge-1',
  ts: startMs + minutes * minute,
  values: { temperature_c: value },
  ...more,
})
const timeAt = (minutes: number) => new Date(startMs + minutes * minute).toISOString()
const said = (body: { transitions: { transition: string; device: string; time: string }[] }) =>
  body.transitions.map(
    ({ transition, device, time }) => `${transition} ${device} ${(Date.parse(time) - startMs) / minute}`,
  )

describe('samples', () => {
  test('are answered with each transition and its evidence', async () => {
    const api = await startApi()
    const samples = [sample(2, 6), sample(0, 5), sample(1, 9)]
    const answer = await api.post('rules:test', { rule, samples })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      transitions: [
        {
          id: expect.any(String),
          device: 'fridge-1',
          transition: 'raised',
          time: timeAt(1),
          since: timeAt(1),
          severity: 'major',
          value: 9,
          threshold: 8,
          message: 'fridge-1 is 9 °C (limit 8)',
          evidence: [{ ts: startMs + minute, temperature_c: 9 }],
        },
        expect.objectContaining({ transition: 'cleared', time: timeAt(2), since: timeAt(1), value: 6 }),
      ],
      evaluated: 3,
      truncated: false,
    })
    expect((await api.get('rules')).body.items).toEqual([])
  })

  test('of no type are of the first that the rule selects; labels are the newest', async () => {
    const api = await startApi()
    const limited = { ...rule, when: { ...rule.when, above: { label: 'max', default: 8 }, clear: undefined } }
    const samples = [
      sample(0, 9, { labels: { max: '10' } }),
      sample(1, 9),
      sample(0, 9, { device: 'fridge-2', labels: { max: '5' } }),
      sample(1, 9, { device: 'fridge-2', labels: { max: '20' } }),
      sample(2, 9, { device: 'fridge-3' }),
      sample(3, 9, { device: 'room-1', type: 'room_sensor' }),
    ]
    const { body } = await api.post('rules:test', { rule: limited, samples })
    expect(said(body)).toEqual(['raised fridge-3 2'])
    expect(body.evaluated).toBe(5)
  })

  test('are silent until the end, and a device counts from the first sample of all', async () => {
    const api = await startApi()
    const silent = { ...rule, when: { kind: 'absence', longerThan: '10m' } }
    const samples = [sample(0, 5), sample(15, 5, { device: 'fridge-2' })]
    const until = startMs + 25 * minute
    expect(said((await api.post('rules:test', { rule: silent, samples, until })).body)).toEqual([
      'raised fridge-1 10',
      'raised fridge-2 10',
      'cleared fridge-2 15',
      'raised fridge-2 25',
    ])
    const before = await api.post('rules:test', { rule: silent, samples, until: timeAt(24.999) })
    expect(said(before.body)).toHaveLength(3)
  })

  test.each([
    [{ ts: 'soon' }, '/samples/1/ts'],
    [{ ts: 12 }, '/samples/1/ts'],
    [{ ts: startMs + 0.5 }, '/samples/1/ts'],
    [{ device: 'a b' }, '/samples/1/device'],
    [{ device: undefined }, '/samples/1/device'],
    [{ type: 'A' }, '/samples/1/type'],
    [{ labels: { site: 7 } }, '/samples/1/labels/site'],
    [{ labels: [] }, '/samples/1/labels'],
    [{ values: undefined }, '/samples/1/values'],
    [{ values: { 'a/b': 1 } }, '/samples/1/values/a~1b'],
    [{ values: { temperature_c: {} } }, '/samples/1/values/temperature_c'],
    [{ values: { temperature_c: 'x'.repeat(300) } }, '/samples/1/values/temperature_c'],
    [{ colour: 'red' }, '/samples/1/colour'],
  ])('with %j are refused at %s', async (more, pointer) => {
    const api = await startApi()
    const refused = await api.post('rules:test', { rule, samples: [sample(0, 1), sample(1, 1, more)] })
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer])
  })

  test('may be many, and values may be null', async () => {
    const api = await startApi()
    const samples: object[] = Array.from({ length: 20_000 }, (_, n) => sample(n, n % 2 === 0 ? 5 : 9))
    const cut = (await api.post('rules:test', { rule, samples })).body
    expect([cut.transitions.length, cut.truncated]).toEqual([10_000, true])
    const few = [...samples.slice(0, 5_000), { ...sample(5_000, 9), values: { temperature_c: null } }]
    const { body } = await api.post('rules:test', { rule, samples: few })
    expect([body.transitions.length, body.evaluated, body.truncated]).toEqual([4_999, 5_001, false])
  })
})

describe('stored readings', () => {
  const room = 'fridge-2'
  async function withReadings(api: TestApi) {
    for (const id of ['fridge-1', room]) await api.post('devices', { id, type: 'fridge' })
    await api.post('devices', { id: 'meter-1', type: 'smart_meter' })
    const points = (values: number[]) => values.map((value, n) => [startMs + n * minute, value] as const)
    await api.store.write([
      readingsOf('fridge-1', 'fridge', 'temperature_c', points([5, 9, 9, 5, 9])),
      readingsOf(room, 'fridge', 'temperature_c', points([9, 5])),
    ])
    api.setNow(startMs + 60 * minute)
  }
  const range = { from: timeAt(0), to: timeAt(4) }

  test('are those of the devices that the rule selects, from `from` to before `to`', async () => {
    const api = await startApi()
    await withReadings(api)
    const { body } = await api.post('rules:test', { rule, ...range })
    expect(said(body)).toEqual([
      `raised ${room} 0`,
      'raised fridge-1 1',
      `cleared ${room} 1`,
      'cleared fridge-1 3',
    ])
    expect(body).toMatchObject({ evaluated: 6, truncated: false })
    const one = await api.post('rules:test', { rule, ...range, devices: [room, 'meter-1'] })
    expect(said(one.body)).toEqual([`raised ${room} 0`, `cleared ${room} 1`])
    const numbers = { from: startMs + minute, to: startMs + 2 * minute }
    expect(said((await api.post('rules:test', { rule, ...numbers })).body)).toEqual(['raised fridge-1 1'])
  })

  test('of quality future are left out', async () => {
    const api = await startApi()
    await withReadings(api)
    const ahead = readingsOf('fridge-1', 'fridge', 'temperature_c', [
      [startMs + 10 * minute, 1],
      [startMs + 11 * minute, 9],
    ])
    await api.store.write([{ ...ahead, future: Uint8Array.of(0, 1) }])
    const { body } = await api.post('rules:test', { rule, from: timeAt(5), to: timeAt(20) })
    expect([said(body), body.evaluated]).toEqual([[], 1])
  })

  test('end with the clock at `to`, or now; silence begins at `from`', async () => {
    const api = await startApi()
    await withReadings(api)
    const silent = {
      ...rule,
      when: { kind: 'absence', longerThan: '10m' },
      select: { devices: ['fridge-1'] },
    }
    const found = async (from: number, to: number) =>
      said((await api.post('rules:test', { rule: silent, from: timeAt(from), to: timeAt(to) })).body)
    expect(await found(0, 13.9)).toEqual([])
    expect(await found(0, 14)).toEqual(['raised fridge-1 14'])
    expect(await found(20, 40)).toEqual(['raised fridge-1 30'])
    api.setNow(startMs + 12 * minute)
    expect(await found(0, 100)).toEqual([])
  })

  test('are read page by page, however many', async () => {
    const api = await startApi()
    await api.post('devices', { id: 'fridge-1', type: 'fridge' })
    const points = Array.from(
      { length: 12_000 },
      (_, n) => [startMs + n * 1000, n % 6_000 === 5_999 ? 9 : 5] as const,
    )
    await api.store.write([readingsOf('fridge-1', 'fridge', 'temperature_c', points)])
    api.setNow(startMs + 1000 * minute)
    const { body } = await api.post('rules:test', { rule, from: '2026-11-01', to: '2026-12-01' })
    expect([body.evaluated, said(body).length]).toEqual([12_000, 3])
  })

  test('of a device that there is not are refused', async () => {
    const api = await startApi()
    await withReadings(api)
    const refused = await api.post('rules:test', { rule, ...range, devices: [room, 'nobody'] })
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/devices/1'])
  })

  test('with the database away: 503', async () => {
    const api = await startApi()
    await withReadings(api)
    const timeline = (_query: TimelineQuery) =>
      Promise.reject(new TidemarkError('TIDEMARK_STORE_DOWN', 'away'))
    const away = await startApi({ ...api, store: { ...api.store, timeline } as never })
    await away.post('devices', { id: 'fridge-1', type: 'fridge' })
    const answer = await away.post('rules:test', { rule, ...range })
    expect([answer.status, answer.body.code]).toEqual([503, 'TIDEMARK_STORE_DOWN'])
  })
})

test('rules that it names take part, and are not told of', async () => {
  const api = await startApi()
  await api.post('rules', {
    ...rule,
    id: 'door',
    when: { kind: 'threshold', metric: 'door_open', equals: true },
  })
  const samples = [
    { ...sample(0, 5), values: { door_open: true } },
    sample(1, 9),
    { ...sample(2, 9), values: { door_open: false } },
    sample(3, 6),
    sample(4, 9),
  ]
  const tested = { ...rule, suppressedBy: ['door'] }
  expect(said((await api.post('rules:test', { rule: tested, samples })).body)).toEqual(['raised fridge-1 4'])
  const flaps = { ...rule, when: { kind: 'flapping', of: { rule: 'nobody' } } }
  const refused = await api.post('rules:test', { rule: flaps, samples })
  expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/rule/when/of/rule'])
})

test.each([
  [{}, '/rule'],
  [{ rule }, '/from'],
  [{ rule, from: timeAt(0) }, '/to'],
  [{ rule, from: timeAt(0), to: timeAt(0) }, '/to'],
  [{ rule, from: 'soon', to: timeAt(0) }, '/from'],
  [{ rule, from: timeAt(0), to: timeAt(1), until: timeAt(1) }, '/until'],
  [{ rule, samples: {} }, '/samples'],
  [{ rule, samples: [], from: timeAt(0) }, '/from'],
  [{ rule, samples: [], until: 12 }, '/until'],
  [{ rule, samples: [], colour: 'red' }, '/colour'],
  [{ rule: { ...rule, severity: 'bad' }, samples: [] }, '/rule/severity'],
  [{ rule: 7, samples: [] }, '/rule'],
])('%j is refused at %s', async (body, pointer) => {
  const api = await startApi()
  const refused = await api.post('rules:test', body)
  expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer])
})

test('while one runs, others are answered', async () => {
  const file = join(tempDir(), 'thread.mjs')
  writeFileSync(file, 'for (;;);')
  const backtests = new Backtests({ file: pathToFileURL(file) })
  let begin: () => void = () => undefined
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const run: typeof backtests.run = (...given) => {
    begin()
    return backtests.run(...given)
  }
  const api = await startApi({ backtests: { run } })
  let isAnswered = false
  const running = api.post('rules:test', { rule, samples: [sample(0, 5)] }).finally(() => {
    isAnswered = true
  })
  await begun
  expect((await api.get('rules')).status).toBe(200)
  expect(isAnswered).toBe(false)
  await backtests.stop()
  expect(await running).toMatchObject({ status: 200, body: { truncated: true } })
})

test('a queue that is full is told as 503', async () => {
  const run = () => Promise.reject(new TidemarkError('TIDEMARK_RULE_TEST_QUEUE', 'full'))
  const api = await startApi({ backtests: { run } })
  const answer = await api.post('rules:test', { rule, samples: [] })
  expect(answer).toMatchObject({ status: 503, body: { code: 'TIDEMARK_RULE_TEST_QUEUE' } })
  expect(answer.headers['retry-after']).toBe('2')
})
