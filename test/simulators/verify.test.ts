import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiClient } from '../../simulators/api-client.ts'
import { bench } from '../../simulators/bench.ts'
import { FleetRunner } from '../../simulators/fleet-runner.ts'
import { type LedgerEntry, LedgerWriter } from '../../simulators/ledger.ts'
import { verify } from '../../simulators/verify.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir, tempDir } from '../support/temp-dir.ts'
import { clean, ledgerOf } from './ledger-file.ts'

const never = new AbortController().signal
/** More than a page of the API for each device. */
const perDevice = 1_200
const devices = 2
describe('with a real platform, and ledgers that lie', () => {
  const dir = newTempDir()
  let platform: PlatformProcess
  let truth: LedgerEntry[]

  const check = (entries: readonly LedgerEntry[], isSent?: (device: string, ts: number) => boolean) =>
    verify({
      ledger: ledgerOf(entries),
      api: platform.api,
      settleMs: 20_000,
      ...(isSent === undefined ? {} : { isSent }),
    })
  /** The truth with the entry at `index` replaced by what `change` makes of it. */
  const lie = (index: number, change: (entry: LedgerEntry) => LedgerEntry[]) =>
    truth.flatMap((entry, i) => (i === index ? change(entry) : [entry]))
  const example = (kind: string, { device, ts }: LedgerEntry) => [
    `${kind} ${device} ${new Date(ts).toISOString()}`,
  ]

  beforeAll(async () => {
    platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
    const ids = ['bench-0', 'bench-1'].map((id) => ({ id, type: 'smart_meter' }))
    const ledger = join(dir.path, 'truth.ndjson')
    const { acknowledged } = await bench({
      url: platform.mqttUrl,
      devices,
      rate: Number.POSITIVE_INFINITY,
      durationMs: 30_000,
      messagesMax: devices * perDevice,
      inFlight: 50,
      qos: 1,
      credentials: await platform.api.provision(ids),
      ledger,
      signal: never,
    })
    expect(acknowledged).toBe(devices * perDevice)
    const lines = readFileSync(ledger, 'utf8').trim().split('\n')
    // Acknowledgements of two devices come as they come; the lies below need places that are known.
    truth = lines
      .map((line) => JSON.parse(line) as LedgerEntry)
      .sort((a, b) => a.device.localeCompare(b.device) || a.seq - b.seq)
  })
  afterAll(async () => {
    await platform?.end('SIGKILL')
    dir.remove()
  })

  test('a true ledger finds no difference, page after page', async () => {
    const acknowledged = truth.length
    expect(await check(truth)).toEqual({ devices, acknowledged, stored: acknowledged, ...clean })
  })

  test('a reading that was acknowledged and is not stored is missing', async () => {
    const never = { ...truth[700]!, ts: truth[0]!.ts - 60_000 }
    expect(await check([...truth, never])).toMatchObject({
      ...clean,
      missing: 1,
      examples: example('missing', never),
    })
  })

  test.each([
    ['another value', { voltage_v: 230.2 }],
    ['another type of value', { voltage_v: '230.1' }],
    ['a metric that is not stored', { water_l: 1 }],
  ])('a reading with %s is altered', async (_case, values) => {
    const lied = lie(500, (entry) => [{ ...entry, values: { ...entry.values, ...values } }])
    expect(await check(lied)).toMatchObject({
      ...clean,
      altered: 1,
      examples: example('altered', truth[500]!),
    })
  })

  test('a reading of which a metric was never acknowledged is altered', async () => {
    const lied = lie(500, ({ values: { voltage_v, ...values }, ...entry }) => [{ ...entry, values }])
    expect(await check(lied)).toMatchObject({
      ...clean,
      altered: 1,
      examples: example('altered', truth[500]!),
    })
  })

  test('a stored reading that was never acknowledged is invented', async () => {
    const lied = lie(300, () => [])
    expect(await check(lied)).toMatchObject({
      ...clean,
      invented: 1,
      examples: example('invented', truth[300]!),
    })
  })

  test('also where one page of the platform’s answer ends and the next begins', async () => {
    const order = truth.toSorted((a, b) => a.ts - b.ts || a.device.localeCompare(b.device))
    for (const index of [999, 1_000, 1_001].map((at) => truth.indexOf(order[at]!)))
      expect(await check(lie(index, () => []))).toMatchObject({
        invented: 1,
        examples: example('invented', truth[index]!),
      })
  })

  test('unless it is known to have been sent', async () => {
    const { device: own, ts: at } = truth[300]!
    const lied = lie(300, () => [])
    expect(await check(lied, (device, ts) => device === own && ts === at)).toMatchObject(clean)
  })

  test('what a device stored outside the time of the ledger is not the ledger’s business', async () => {
    expect(await check(truth.slice(100, 200))).toMatchObject({ ...clean, acknowledged: 100, stored: 100 })
  })

  test('every difference is counted, the first ten are shown', async () => {
    const lied = truth.map((entry) => ({ ...entry, values: { ...entry.values, current_a: 0 } }))
    const report = await check(lied)
    expect(report.altered).toBe(truth.length)
    expect(report.examples).toHaveLength(10)
  })

  test('a reading ahead of the clock is stored with a mark, which is no alteration', async () => {
    const path = join(tempDir(), 'ledger.ndjson')
    const credentials = await platform.api.provision([{ id: 'ahead', type: 'fridge' }])
    const ledger = new LedgerWriter(path)
    const fleet = new FleetRunner({ mqttUrl: platform.mqttUrl, credentials, ledger, signal: never })
    await fleet.connect()
    await fleet.send({ device: 'ahead', ts: Date.now() + 3_600_000, values: { temperature_c: 4 } })
    await fleet.close()
    ledger.close()
    expect(await verify({ ledger: path, api: platform.api, settleMs: 20_000 })).toMatchObject({
      ...clean,
      stored: 1,
    })
    const { items } = await platform.api.request<{ items: { values: object }[] }>(
      'GET',
      '/readings?device=ahead',
    )
    expect(items).toMatchObject([{ values: { temperature_c: 4, quality: 'future' } }])
  })

  describe('devices whose clocks were decades off, beside one whose clock was right', () => {
    const ids = ['decades', 'decades-not', 'of-another-ledger'] as const
    const [wide, narrow, other] = ids
    const year = (number: number) => Date.UTC(number, 5, 1)
    let ledger: LedgerEntry[]
    const without = (device: string, ...years: number[]) =>
      ledger.filter((entry) => entry.device !== device || !years.some((one) => entry.ts === year(one)))

    beforeAll(async () => {
      const path = join(dir.path, 'decades.ndjson')
      const credentials = await platform.api.provision(ids.map((id) => ({ id, type: 'fridge' })))
      const writer = new LedgerWriter(path)
      const fleet = new FleetRunner({ mqttUrl: platform.mqttUrl, credentials, ledger: writer, signal: never })
      await fleet.connect()
      const send = (device: string, ...years: number[]) =>
        Promise.all(years.map((one) => fleet.send({ device, ts: year(one), values: { temperature_c: 4 } })))
      await Promise.all([
        send(wide, 2000, 2020, 2026, 2099),
        send(narrow, 2019, 2025, 2026),
        send(other, 2020, 2026),
      ])
      await fleet.close()
      writer.close()
      const lines = readFileSync(path, 'utf8').trim().split('\n')
      ledger = lines.map((line) => JSON.parse(line) as LedgerEntry).filter(({ device }) => device !== other)
    })

    test('are compared from their first to their last time', async () => {
      expect(await check(ledger)).toEqual({ devices: 2, acknowledged: 7, stored: 7, ...clean })
    })

    test('have an invented reading decades from the others', async () => {
      expect(await check(without(wide, 2020))).toMatchObject({
        ...clean,
        stored: 7,
        invented: 1,
        examples: ['invented decades 2020-06-01T00:00:00.000Z'],
      })
    })

    test('each of which has a first and a last time of its own', async () => {
      expect(await check(without(narrow, 2019, 2026))).toMatchObject({ ...clean, stored: 5 })
    })
  })

  test('a reading that was sent twice is one', async () => {
    const acknowledged = truth.length
    expect(await check([...truth, truth[10]!, truth[20]!])).toEqual({
      devices,
      acknowledged,
      stored: acknowledged,
      ...clean,
    })
  })

  describe('what the platform has to refuse must be among its dead letters', () => {
    const ids = ['broken-1', 'broken-2']
    const ts = Date.UTC(2026, 4, 1)
    let ledger: LedgerEntry[]

    beforeAll(async () => {
      const path = join(dir.path, 'broken.ndjson')
      const credentials = await platform.api.provision(ids.map((id) => ({ id, type: 'fridge' })))
      const writer = new LedgerWriter(path)
      const fleet = new FleetRunner({ mqttUrl: platform.mqttUrl, credentials, ledger: writer, signal: never })
      await fleet.connect()
      const malformed = (device: string, seq: number) =>
        fleet.transmit(
          { kind: 'malformed', device, dueMs: ts + seq, seq, payload: '{"ts":', reason: 'payload.not_json' },
          performance.now(),
        )
      for (const device of ids) await fleet.send({ device, ts, values: { temperature_c: 4 } })
      for (const seq of [2, 3]) await malformed('broken-1', seq)
      await malformed('broken-2', 2)
      // In 1970, and hotter than any fridge.
      await fleet.send({ device: 'broken-2', ts: 86_400_000, values: { temperature_c: 4 } })
      await fleet.send({ device: 'broken-2', ts: ts + 9, values: { temperature_c: 400, door_open: true } })
      await fleet.close()
      writer.close()
      ledger = readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as LedgerEntry)
    })

    test('and when it is, nothing is missing', async () => {
      expect(ledger.filter(({ deadLetter }) => deadLetter === 'payload.not_json')).toHaveLength(3)
      expect(await check(ledger)).toMatchObject({
        ...clean,
        devices: 2,
        acknowledged: 7,
        stored: 2,
        deadLettered: 5,
      })
    })

    const broken: LedgerEntry = {
      device: 'broken-1',
      seq: 9,
      ts,
      values: {},
      deadLetter: 'payload.not_json',
      sentAt: Date.now(),
      ackedAt: Date.now(),
    }
    const { deadLetter: _, ...reading } = broken
    test.each([
      ['one more message that is no JSON', broken, 'broken-1 1 dead letters payload.not_json'],
      [
        'a message of another reason',
        { ...broken, deadLetter: 'payload.too_deep' },
        'broken-1 1 dead letters payload.too_deep',
      ],
      [
        'a message of another device',
        { ...broken, device: 'bench-0' },
        'bench-0 1 dead letters payload.not_json',
      ],
      [
        'a time outside the years that are taken',
        { ...reading, ts: 86_400_001, values: { temperature_c: 4 } },
        'broken-1 1 dead letters ts.invalid',
      ],
      [
        'a value outside the range of the profile',
        { ...reading, ts: ts + 10, values: { temperature_c: 101 } },
        'broken-1 1 dead letters value.out_of_range',
      ],
    ])('%s that was acknowledged and is not there is missing', async (_case, entry, example) => {
      expect(await check([...ledger, entry])).toMatchObject({
        deadLettered: 5,
        missing: 1,
        deadLettersMissing: 1,
        examples: [`missing ${example}`],
      })
    })

    test('a value within the range is missing as a reading', async () => {
      const entry = { ...reading, ts: ts + 10, values: { temperature_c: 99 } }
      expect(await check([...ledger, entry])).toMatchObject({
        deadLettered: 5,
        missing: 1,
        deadLettersMissing: 0,
        examples: example('missing', entry),
      })
    })

    test('letters of an earlier run do not stand for those of this one', async () => {
      const laterMs = Date.now() + 600_000
      const later = ledger.map((entry) => ({ ...entry, sentAt: laterMs, ackedAt: laterMs }))
      expect(await check(later)).toMatchObject({ deadLettered: 0, missing: 5, deadLettersMissing: 5 })
    })
  })

  test('a platform that is not there: exit code 3', async () => {
    const api = new ApiClient('http://127.0.0.1:9', 'token')
    await expect(verify({ ledger: ledgerOf(truth), api, settleMs: 0 })).rejects.toMatchObject({ exitCode: 3 })
  })

  test('a ledger without a reading proves nothing: exit code 2', async () => {
    await expect(check([])).rejects.toMatchObject({ code: 'TIDEMARK_LEDGER_INVALID', exitCode: 2 })
  })
})
