import { expect, test } from 'vitest'
import { alarmId } from '../../../rules/alarm-events.ts'
import { historyEnd } from '../../../rules/alarm-table.ts'
import { alarmEvent, rule, writeEvents } from '../../rules/alarm-fixture.ts'
import { startApi, startMs } from '../api.ts'

const minuteMs = 60_000
const at = (ms: number) => new Date(ms).toISOString()
const idOf = (device: string) => alarmId(rule.id, device)

/** Episodes of one minute, the n-th raised at minute n, every fourth of another device. */
async function withHistory(episodes: number, historyMax?: number) {
  const api = await startApi()
  for (let n = 0; n < episodes; n++) {
    const facts = { device: n % 4 === 3 ? 'rare' : 'fridge-1', since: startMs + n * minuteMs }
    const events = [
      alarmEvent('raised', { ...facts, time: facts.since }),
      alarmEvent('cleared', { ...facts, time: facts.since + minuteMs, ordinal: 2 }),
    ]
    await writeEvents(api.log, events, historyMax)
  }
  const minutes = async (url: string, limit = 2) =>
    (await api.all(url, limit)).map(({ since }) => (Date.parse(since) - startMs) / minuteMs)
  return { api, minutes }
}

test('the history is newest first, with durations, paged', async () => {
  const { api, minutes } = await withHistory(6)
  expect(await minutes('alarm-history')).toEqual([5, 4, 3, 2, 1, 0])
  expect((await api.get('alarm-history?limit=1')).body.items).toMatchObject([
    { device: 'fridge-1', durationMs: minuteMs, clearedAt: at(startMs + 6 * minuteMs) },
  ])
})

test('the history is filtered by device, rule and time of clearing: from is included, to is not', async () => {
  const { minutes } = await withHistory(8)
  expect(await minutes('alarm-history?device=rare')).toEqual([7, 3])
  expect(await minutes('alarm-history?rule=too-warm&device=rare', 1)).toEqual([7, 3])
  expect(await minutes('alarm-history?rule=other')).toEqual([])
  const [from, to] = [at(startMs + 3 * minuteMs), at(startMs + 5 * minuteMs)]
  expect(await minutes(`alarm-history?from=${from}&to=${to}`)).toEqual([3, 2])
})

test('the history of one alarm has only its episodes', async () => {
  const { minutes } = await withHistory(8)
  expect(await minutes(`alarms/${idOf('rare')}/history`, 1)).toEqual([7, 3])
  expect(await minutes(`alarms/${idOf('unheard')}/history`)).toEqual([])
})

test('the history ends where the oldest episodes are gone', async () => {
  const { api, minutes } = await withHistory(6, 3)
  expect(await minutes('alarm-history', 1)).toEqual([5, 4, 3])
  expect(historyEnd(api.log)).toBe(6)
  const cursorOf = (place: string) => Buffer.from(place).toString('base64url')
  expect((await api.get(`alarm-history?cursor=${cursorOf('2')}`)).body).toEqual({
    items: [],
    nextCursor: null,
  })
})

test('the history goes on over many reads', async () => {
  const api = await startApi()
  const events = Array.from({ length: 1_200 }, (_, n) => {
    const facts = { since: startMs + n, time: startMs + n, device: n === 3 ? 'rare' : 'fridge-1' }
    return [alarmEvent('raised', facts), alarmEvent('cleared', facts)]
  })
  await writeEvents(api.log, events.flat())
  expect(await api.all('alarm-history?device=rare', 1)).toHaveLength(1)
  const all = await api.all('alarm-history', 499)
  expect(all.map(({ since }) => Date.parse(since) - startMs)).toEqual(
    Array.from({ length: 1_200 }, (_, n) => 1_199 - n),
  )
})

test.each(['from=x', 'to=5', 'limit=0', 'cursor=YQ', 'state=normal'])('?%s is refused', async (query) => {
  const refused = await (await startApi()).get(`alarm-history?${query}`)
  expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, `/query/${query.split('=')[0]}`])
})
