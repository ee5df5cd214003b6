import { describe, expect, test } from 'vitest'
import type { EventRecord } from '../../../domain/event.ts'
import { alarmId } from '../../../rules/alarm-events.ts'
import { alarmEvent, rule, writeEvents } from '../../rules/alarm-fixture.ts'
import { prototypeNames, startApi, startMs, type TestApi } from '../api.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const at = (ms: number) => new Date(ms).toISOString()
const idOf = (device: string) => alarmId(rule.id, device)
const id = idOf('fridge-1')

/** The API with one alarm that is up. */
async function withAlarm(): Promise<TestApi> {
  const api = await startApi()
  await writeEvents(api.log, [alarmEvent('raised')])
  return api
}

/** Events that people caused. */
function acts({ log }: TestApi): EventRecord[] {
  return log
    .read('events', 0, { entriesMax: 1_000, bytesMax: 1_000_000 })
    .map(({ value }) => JSON.parse(value.toString()) as EventRecord)
    .filter(({ data }) => data.state === 'acknowledged' || data.state === 'shelved')
}

const clear = (api: TestApi, time = startMs + minuteMs) =>
  writeEvents(api.log, [alarmEvent('cleared', { time, ordinal: 2 })])

describe('the list', () => {
  test('shows an alarm as the contract has it, with nothing that only the platform needs', async () => {
    const api = await withAlarm()
    const expected = {
      id,
      rule: 'too-warm',
      ruleVersion: 3,
      device: 'fridge-1',
      class: 'maintenance',
      severity: 'minor',
      condition: 'active',
      acknowledged: false,
      acknowledgedAt: null,
      acknowledgedBy: null,
      since: at(startMs),
      raisedAt: at(startMs),
      clearedAt: null,
      value: 9,
      threshold: 8,
      message: 'fridge-1 is 9 °C (limit 8)',
      shelvedUntil: null,
      comments: [],
    }
    expect((await api.get('alarms')).body).toEqual({ items: [expected], nextCursor: null })
    expect((await api.get(`alarms/${id}`)).body).toEqual(expected)
  })

  test('is filtered by state, severity, class, device, rule and acknowledgement, and paged', async () => {
    const api = await startApi()
    const other = { ...rule, id: 'humid', class: 'health' } as const
    await writeEvents(api.log, [
      alarmEvent('raised', { device: 'a' }),
      alarmEvent('raised', { device: 'b', severity: 'critical' }),
      alarmEvent('raised', { device: 'c' }),
      alarmEvent('cleared', { device: 'c', ordinal: 2 }),
      alarmEvent('raised', { device: 'a', rule: other }),
    ])
    await api.post(`alarms/${idOf('b')}:ack`)
    const found = async (query: string) =>
      (await api.all(`alarms?${query}`, 1)).map(({ rule, device }) => `${rule} ${device}`).sort()
    expect(await found('')).toEqual(['humid a', 'too-warm a', 'too-warm b', 'too-warm c'])
    expect(await found('state=active')).toEqual(['humid a', 'too-warm a', 'too-warm b'])
    expect(await found('state=normal')).toEqual(['too-warm c'])
    expect(await found('state=recovering')).toEqual([])
    expect(await found('severity=critical')).toEqual(['too-warm b'])
    expect(await found('class=health')).toEqual(['humid a'])
    expect(await found('device=a')).toEqual(['humid a', 'too-warm a'])
    expect(await found('rule=humid')).toEqual(['humid a'])
    expect(await found('acknowledged=true')).toEqual(['too-warm b'])
    expect(await found('acknowledged=false&rule=too-warm')).toEqual(['too-warm a', 'too-warm c'])
  })

  test.each(['state=on', 'severity=bad', 'class=x', 'acknowledged=1', 'limit=0', 'cursor=a', 'x=1'])(
    '?%s is refused',
    async (query) => {
      const refused = await (await startApi()).get(`alarms?${query}`)
      expect(refused.status).toBe(422)
      expect(refused.body.errors[0].pointer).toBe(`/query/${query.split('=')[0]}`)
    },
  )
})

describe('who may', () => {
  const bodies = { ack: {}, clear: {}, shelve: { until: null }, comment: { text: 'x' } }

  test('read lists, operate acts', async () => {
    const api = await withAlarm()
    const [read, operate] = [await api.tokenOf('read'), await api.tokenOf('operate')]
    for (const path of ['alarms', `alarms/${id}`, `alarms/${id}/history`, 'alarm-history']) {
      expect((await api.call('GET', path, undefined, { token: read })).status, path).toBe(200)
      expect((await api.call('GET', path, undefined, { token: undefined })).status, path).toBe(401)
    }
    for (const [verb, body] of Object.entries(bodies)) {
      const call = async (token: string) =>
        (await api.call('POST', `alarms/${id}:${verb}`, body, { token })).status
      expect(await call(read), verb).toBe(403)
      expect(await call(operate), verb).toBe(verb === 'clear' ? 202 : 200)
    }
  })

  test('an alarm that is not there is 404 for each, whatever its name', async () => {
    const api = await startApi()
    for (const name of [id, ...prototypeNames]) {
      expect((await api.get(`alarms/${name}`)).status, name).toBe(404)
      for (const [verb, body] of Object.entries(bodies)) {
        const refused = await api.post(`alarms/${name}:${verb}`, body)
        expect([refused.status, refused.body.code], `${name} ${verb}`).toEqual([404, 'TIDEMARK_NOT_FOUND'])
      }
    }
    expect(acts(api)).toEqual([])
    expect(api.log.changesSince(0)).toEqual([])
  })
})

describe(':ack', () => {
  test('says who and when, with an event and its count', async () => {
    const api = await withAlarm()
    api.setNow(startMs + minuteMs)
    const token = await api.tokenOf('operate')
    const { status, body } = await api.call('POST', `alarms/${id}:ack`, { comment: 'on my way' }, { token })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      acknowledged: true,
      acknowledgedAt: at(startMs + minuteMs),
      acknowledgedBy: 'operate',
      comments: [{ text: 'on my way', by: 'operate', at: at(startMs + minuteMs) }],
    })
    expect(acts(api)).toEqual([
      {
        specversion: '1.0',
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        source: '/rules/too-warm',
        type: 'tidemark.maintenance.acknowledged.v1',
        subject: 'fridge-1',
        time: at(startMs + minuteMs),
        datacontenttype: 'application/json',
        data: {
          alarm: id,
          rule: 'too-warm',
          ruleVersion: 3,
          device: 'fridge-1',
          deviceType: 'fridge',
          class: 'maintenance',
          severity: 'minor',
          state: 'acknowledged',
          message: 'fridge-1: too-warm: acknowledged by operate',
          since: at(startMs),
          recorded: at(startMs + minuteMs),
          evidence: [],
          reason: 'acknowledged by operate',
        },
      },
    ])
    expect(api.log.stats().counters['events:maintenance:minor:acknowledged']).toBe(1)
  })

  test('repeated, or twice at once, is one acknowledgement and one event', async () => {
    const api = await withAlarm()
    const first = await Promise.all(['a', 'b'].map((comment) => api.post(`alarms/${id}:ack`, { comment })))
    api.setNow(startMs + minuteMs)
    const again = await api.post(`alarms/${id}:ack`)
    expect([...first, again].map(({ status }) => status)).toEqual([200, 200, 200])
    expect(again.body.acknowledgedAt).toBe(at(startMs))
    expect(again.body.comments).toHaveLength(1)
    expect(acts(api)).toHaveLength(1)
  })

  test('of an alarm that is normal takes it out of the list', async () => {
    const api = await withAlarm()
    await clear(api)
    expect((await api.post(`alarms/${id}:ack`)).body).toMatchObject({
      condition: 'normal',
      acknowledged: true,
    })
    expect((await api.get('alarms')).body.items).toEqual([])
    expect((await api.post(`alarms/${id}:ack`)).status).toBe(404)
    expect(acts(api)).toHaveLength(1)
    expect((await api.get(`alarms/${id}/history`)).body.items).toMatchObject([{ acknowledgedBy: 'admin' }])
  })

  test('of the next episode is another event', async () => {
    const api = await withAlarm()
    await api.post(`alarms/${id}:ack`)
    await clear(api)
    await writeEvents(api.log, [alarmEvent('raised', { since: startMs + 1, time: startMs + 1 })])
    await api.post(`alarms/${id}:ack`)
    expect(new Set(acts(api).map((event) => event.id)).size).toBe(2)
  })

  test('of an episode that begins when the one before did is another event', async () => {
    const api = await withAlarm()
    await api.post(`alarms/${id}:ack`)
    await writeEvents(api.log, [alarmEvent('raised', { ordinal: 3 })])
    await api.post(`alarms/${id}:ack`)
    expect(new Set(acts(api).map((event) => event.id)).size).toBe(2)
  })

  test.each([
    [{ comment: '' }, '/comment'],
    [{ comment: 'x'.repeat(1_001) }, '/comment'],
    [{ note: 'x' }, '/note'],
    [[], ''],
  ])('%j is refused', async (body, pointer) => {
    const api = await withAlarm()
    const refused = await api.post(`alarms/${id}:ack`, body)
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer])
  })
})

describe(':clear', () => {
  test('asks the rules engine, once, and answers with the alarm as it is', async () => {
    const api = await withAlarm()
    const asked = await api.post(`alarms/${id}:clear`, { reason: 'mended' })
    expect([asked.status, asked.body.condition]).toEqual([202, 'active'])
    api.setNow(startMs + minuteMs)
    const both = await Promise.all([api.post(`alarms/${id}:clear`), api.post(`alarms/${id}:clear`)])
    expect(both.map(({ status }) => status)).toEqual([202, 202])
    const request = {
      rule: 'too-warm',
      device: 'fridge-1',
      action: 'clear',
      by: 'admin',
      at: startMs,
      reason: 'mended',
    }
    expect(api.log.changesSince(0)).toEqual([
      { revision: 1, table: 'alarm-requests', key: id, value: request },
    ])
  })

  test('of an alarm that is not up is refused', async () => {
    const api = await withAlarm()
    await clear(api)
    const refused = await api.post(`alarms/${id}:clear`)
    expect([refused.status, refused.body.code]).toEqual([409, 'TIDEMARK_ALARM_NOT_UP'])
    expect(api.log.changesSince(0)).toEqual([])
  })
})

describe(':shelve', () => {
  const shelve = (api: TestApi, until: unknown) => api.post(`alarms/${id}:shelve`, { until })

  test('silences until a time, tells the engine, and is an event', async () => {
    const api = await withAlarm()
    const { status, body } = await shelve(api, '2026-11-23T14:00:00+01:00')
    expect([status, body.shelvedUntil]).toEqual([200, '2026-11-23T13:00:00.000Z'])
    const value = { rule: 'too-warm', device: 'fridge-1', until: Date.UTC(2026, 10, 23, 13) }
    expect(api.log.changesSince(0)).toEqual([{ revision: 1, table: 'shelvings', key: id, value }])
    expect(acts(api)).toMatchObject([
      {
        type: 'tidemark.maintenance.shelved.v1',
        data: { reason: 'shelved until 2026-11-23T13:00:00.000Z by admin' },
      },
    ])
    expect(api.log.stats().counters['events:maintenance:minor:shelved']).toBe(1)
  })

  test('repeated, or twice at once, is one event; another time is another', async () => {
    const api = await withAlarm()
    const until = at(startMs + minuteMs)
    await Promise.all([shelve(api, until), shelve(api, until)])
    await shelve(api, until)
    expect(acts(api)).toHaveLength(1)
    await shelve(api, at(startMs + 2 * minuteMs))
    expect(new Set(acts(api).map((event) => event.id)).size).toBe(2)
  })

  test('ends with null, which of one that is not shelved changes nothing', async () => {
    const api = await withAlarm()
    expect((await shelve(api, null)).body.shelvedUntil).toBeNull()
    expect(acts(api)).toEqual([])
    await shelve(api, at(startMs + minuteMs))
    expect((await shelve(api, null)).body.shelvedUntil).toBeNull()
    expect(api.log.get('shelvings', id)).toBeUndefined()
    expect(acts(api).map(({ data }) => data.reason)).toEqual([
      'shelved until 2026-11-23T12:01:00.000Z by admin',
      'no longer shelved, by admin',
    ])
  })

  test('ends at its time: the alarm shows none, and one that was only shelved is listed no longer', async () => {
    const api = await withAlarm()
    await shelve(api, at(startMs + minuteMs))
    await api.post(`alarms/${id}:ack`)
    await clear(api, startMs + 1)
    api.setNow(startMs + minuteMs - 1)
    expect((await api.get(`alarms/${id}`)).body).toMatchObject({ condition: 'normal', acknowledged: true })
    expect((await api.get('alarms')).body.items).toHaveLength(1)
    api.setNow(startMs + minuteMs)
    expect((await api.get(`alarms/${id}`)).status).toBe(404)
    expect((await api.get('alarms')).body.items).toEqual([])
    expect((await shelve(api, null)).status).toBe(404)
  })

  test('of an alarm that is up shows none after its time', async () => {
    const api = await withAlarm()
    await shelve(api, at(startMs + minuteMs))
    api.setNow(startMs + minuteMs)
    expect((await api.get(`alarms/${id}`)).body.shelvedUntil).toBeNull()
  })

  test('is for at most 30 days, and in the future', async () => {
    const api = await withAlarm()
    expect((await shelve(api, at(startMs + 30 * dayMs))).status).toBe(200)
    expect((await shelve(api, at(startMs + 1))).status).toBe(200)
    for (const until of [at(startMs + 30 * dayMs + 1), at(startMs), '2026-11-24', 'soon', 5, undefined]) {
      const refused = await shelve(api, until)
      expect([refused.status, refused.body.errors[0].pointer], String(until)).toEqual([422, '/until'])
    }
    expect((await api.post(`alarms/${id}:shelve`)).status).toBe(422)
  })
})

describe(':comment', () => {
  test('adds what was written, by whom and when; of two at once both', async () => {
    const api = await withAlarm()
    await Promise.all(['a', 'x'.repeat(1_000)].map((text) => api.post(`alarms/${id}:comment`, { text })))
    const { comments } = (await api.get(`alarms/${id}`)).body
    expect(comments.map(({ text }: { text: string }) => text.length).sort()).toEqual([1, 1_000])
    expect(comments[0]).toMatchObject({ by: 'admin', at: at(startMs) })
    expect(acts(api)).toEqual([])
  })

  test.each(['', 'x'.repeat(1_001), 5, undefined])('%j is refused', async (text) => {
    const api = await withAlarm()
    const refused = await api.post(`alarms/${id}:comment`, { text })
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/text'])
  })

  test('of a hundred is the last', async () => {
    const api = await withAlarm()
    for (let n = 0; n < 100; n++) {
      expect((await api.post(`alarms/${id}:comment`, { text: `${n}` })).status).toBe(200)
    }
    for (const [verb, body] of [
      ['comment', { text: 'x' }],
      ['ack', { comment: 'x' }],
    ] as const) {
      const refused = await api.post(`alarms/${id}:${verb}`, body)
      expect([refused.status, refused.body.code]).toEqual([409, 'TIDEMARK_ALARM_COMMENTS'])
    }
    expect((await api.get(`alarms/${id}`)).body).toMatchObject({ acknowledged: false })
    expect((await api.get(`alarms/${id}`)).body.comments).toHaveLength(100)
    expect((await api.post(`alarms/${id}:ack`)).status).toBe(200)
  })
})
