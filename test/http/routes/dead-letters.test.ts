import { describe, expect, test } from 'vitest'
import { IngressGroupReader } from '../../../log/ingress-codec.ts'
import type { Log } from '../../../log/log.ts'
import { appendLetters, letterOf, startApi } from '../api.ts'

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

function ingressMessages(log: Log): { device: string; topic: number; payload: Buffer }[] {
  const found = []
  for (const { value } of log.read('ingress', 0, { entriesMax: 1e9, bytesMax: 1e9 })) {
    const group = new IngressGroupReader(value)
    while (group.next()) {
      const payload = group.bytes.subarray(group.payloadStart, group.payloadEnd)
      found.push({ device: group.device, topic: group.topic, payload })
    }
  }
  return found
}

const left = async (api: { all(url: string, limit: number): Promise<{ id: string }[]> }) =>
  (await api.all('dead-letters', 1000)).map(({ id }) => id)

test('dead letters are listed whole, oldest first or newest, by reason and device, page by page', async () => {
  const api = await startApi()
  await appendLetters(api.log, [
    letterOf(0),
    letterOf(1, { reason: 'ts.invalid' }),
    letterOf(2, { device: 'other' }),
  ])
  expect((await api.get('dead-letters?limit=1')).body.items).toEqual([{ id: '0', ...letterOf(0) }])
  const ids = async (query: string) => (await api.all(`dead-letters?${query}`, 1)).map(({ id }) => id)
  expect(await ids('')).toEqual(['0', '1', '2'])
  expect(await ids('order=newest')).toEqual(['2', '1', '0'])
  expect(await ids('order=newest&reason=value.wrong_type')).toEqual(['2', '0'])
  expect(await ids('reason=ts.invalid')).toEqual(['1'])
  expect(await ids('device=other')).toEqual(['2'])
  expect(await ids('device=constructor')).toEqual([])
  for (const query of ['reason=none', 'limit=x', 'cursor=zz', 'id=1', 'order=worst']) {
    expect((await api.get(`dead-letters?${query}`)).status, query).toBe(422)
  }
})

describe('a replay', () => {
  test('by id puts the message back as it was sent and removes the letter', async () => {
    const api = await startApi()
    const binary = Buffer.from([0xff, 0x00, 0x7b])
    const sent = {
      topic: 'v1/devices/me/telemetry',
      payload: binary.toString('base64'),
      encoding: 'base64' as const,
    }
    await appendLetters(api.log, [letterOf(0), letterOf(1, sent), letterOf(2)])
    const replayed = await api.post('dead-letters:replay', { ids: ['1', '0', '1'] })
    expect(replayed).toMatchObject({ status: 200, body: { replayed: 2, failed: [] } })
    expect(ingressMessages(api.log)).toEqual([
      { device: 'fridge-1', topic: 1, payload: binary },
      { device: 'fridge-1', topic: 0, payload: Buffer.from(letterOf(0).payload) },
    ])
    expect(await left(api)).toEqual(['2'])
  })

  test('of an id that is not there fails for that id alone', async () => {
    const api = await startApi()
    await appendLetters(api.log, [letterOf(0), letterOf(1)])
    const { body } = await api.post('dead-letters:replay', { ids: ['0', '17'] })
    expect(body).toEqual({ replayed: 1, failed: [{ id: '17', reason: 'not found' }] })
    expect((await api.post('dead-letters:replay', { ids: ['0'] })).body.replayed).toBe(0)
  })

  test('by reason takes all that have it and leaves the others', async () => {
    const api = await startApi()
    const letters = upTo(250).map((n) => letterOf(n, n % 10 === 0 ? { reason: 'ts.invalid' } : {}))
    await appendLetters(api.log, letters)
    const { body } = await api.post('dead-letters:replay', { reason: 'value.wrong_type' })
    expect(body).toEqual({ replayed: 225, failed: [], more: false })
    expect(ingressMessages(api.log)).toHaveLength(225)
    expect(await left(api)).toEqual(upTo(25).map((n) => String(n * 10)))
  })

  test('asked for twice at once appends each message once', async () => {
    const api = await startApi()
    await appendLetters(
      api.log,
      upTo(150).map((n) => letterOf(n)),
    )
    const body = { reason: 'value.wrong_type' }
    const answers = await Promise.all([
      api.post('dead-letters:replay', body),
      api.post('dead-letters:replay', body),
    ])
    expect(answers.reduce((sum, answer) => sum + answer.body.replayed, 0)).toBe(150)
    expect(ingressMessages(api.log)).toHaveLength(150)
  })

  test('that the log refuses keeps the letters and says so', async () => {
    const api = await startApi({ republish: async () => false })
    await appendLetters(
      api.log,
      upTo(300).map((n) => letterOf(n)),
    )
    const { body } = await api.post('dead-letters:replay', { reason: 'value.wrong_type' })
    expect(body).toMatchObject({ replayed: 0, more: true })
    expect(body.failed[0]).toEqual({ id: '0', reason: 'the log does not take messages now' })
    expect(await left(api)).toHaveLength(300)
  })

  test.each([
    [{}],
    [{ ids: [] }],
    [{ ids: ['x'] }],
    [{ ids: [1] }],
    [{ reason: 'none' }],
    [{ ids: ['1'], reason: 'ts.invalid' }],
  ])('%j is refused', async (body) => {
    const api = await startApi()
    expect(await api.post('dead-letters:replay', body)).toMatchObject({
      status: 422,
      body: { code: 'TIDEMARK_INVALID' },
    })
  })
})
