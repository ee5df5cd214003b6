import { describe, expect, test } from 'vitest'
import { changeStatus } from '../../../commands/command-table.ts'
import { finishedMax, openMax, payloadBytesMax, payloadLevelsMax } from '../../../commands/limits.ts'
import { startApi, startMs } from '../api.ts'

const relay = { name: 'set_relay', payload: { closed: false } }

async function apiWithDevice() {
  const api = await startApi()
  await api.post('devices', { id: 'd1', type: 'generic' })
  return api
}

async function queue(api: Awaited<ReturnType<typeof startApi>>, given: object = {}): Promise<string> {
  const { status, body, text } = await api.post('devices/d1/commands', { ...relay, ...given })
  expect(status, text).toBe(201)
  return body.id
}

test('a command is queued for an hour unless told otherwise, and found at its Location', async () => {
  const api = await apiWithDevice()
  const made = await api.post('devices/d1/commands', relay)
  const queuedAt = new Date(startMs).toISOString()
  expect(made.status).toBe(201)
  expect(made.body).toEqual({
    ...{ ...relay, id: expect.stringMatching(/^\d{12}-[0-9a-f]{8}$/), device: 'd1', status: 'queued' },
    ...{ createdAt: queuedAt, createdBy: 'admin', expiresAt: new Date(startMs + 3_600_000).toISOString() },
    ...{ history: [{ status: 'queued', at: queuedAt }], response: null },
  })
  expect((await api.get(String(made.headers.location))).body).toEqual(made.body)
  const short = await api.post('devices/d1/commands', { name: 'reboot', ttlSeconds: 5 })
  expect(short.body).toMatchObject({ payload: null, expiresAt: new Date(startMs + 5_000).toISOString() })
  const given = new Date(startMs + 60_000).toISOString()
  expect((await api.post('devices/d1/commands', { ...relay, expiresAt: given })).body.expiresAt).toBe(given)
})

test('a list has the newest first, by page and by status', async () => {
  const api = await apiWithDevice()
  await api.post('devices', { id: 'd1-b', type: 'generic' })
  const ids: string[] = []
  for (let i = 0; i < 5; i++) ids.unshift(await queue(api))
  await api.post('devices/d1-b/commands', relay)
  await api.call('DELETE', `devices/d1/commands/${ids[1]}`)
  await api.call('DELETE', `devices/d1/commands/${ids[3]}`)
  expect((await api.all('devices/d1/commands', 2)).map(({ id }) => id)).toEqual(ids)
  const cancelled = await api.all('devices/d1/commands?status=cancelled', 1)
  expect(cancelled.map(({ id }) => id)).toEqual([ids[1], ids[3]])
  expect((await api.get('devices/d1/commands?status=gone')).status).toBe(422)
  expect((await api.get('devices/nobody/commands')).status).toBe(404)
})

test('what is cancelled stays in the list and is cancelled once more without a word; what has ended otherwise is not', async () => {
  const api = await apiWithDevice()
  const id = await queue(api)
  for (let i = 0; i < 2; i++) {
    const cancelled = await api.call('DELETE', `devices/d1/commands/${id}`)
    expect([cancelled.status, cancelled.body.status, cancelled.body.history.length]).toEqual([
      200,
      'cancelled',
      2,
    ])
  }
  expect((await api.get(`devices/d1/commands/${id}`)).body.status).toBe('cancelled')
  expect((await api.call('DELETE', 'devices/d1/commands/unknown')).status).toBe(404)
  const answered = await queue(api)
  await api.log.transaction((tx) => changeStatus(tx, 'd1', answered, 'succeeded', startMs))
  const refused = await api.call('DELETE', `devices/d1/commands/${answered}`)
  expect([refused.status, refused.body.code]).toEqual([409, 'TIDEMARK_COMMAND_ENDED'])
  expect((await api.get(`devices/d1/commands/${answered}`)).body.status).toBe('succeeded')
  expect((await api.get('/metrics')).text).toContain('tidemark_commands_total{status="cancelled"} 1')
})

describe('what is refused', () => {
  const deepest = (levels: number): unknown => (levels === 0 ? 1 : [deepest(levels - 1)])
  test.each([
    ['a name with a space', { name: 'set relay' }, '/name'],
    ['no name', { payload: 1 }, '/name'],
    ['an unknown field', { name: 'x', ttl: 1 }, '/ttl'],
    ['both ends', { name: 'x', ttlSeconds: 1, expiresAt: startMs + 1 }, '/ttlSeconds'],
    ['an end that has passed', { name: 'x', expiresAt: startMs }, '/expiresAt'],
    ['an end too far away', { name: 'x', expiresAt: startMs + 31 * 86_400_000 }, '/expiresAt'],
    ['a long payload', { name: 'x', payload: 'é'.repeat(payloadBytesMax / 2) }, '/payload'],
    ['a deep payload', { name: 'x', payload: deepest(payloadLevelsMax + 1) }, '/payload'],
  ])('%s', async (_, body, pointer) => {
    const api = await apiWithDevice()
    const refused = await api.post('devices/d1/commands', body)
    expect([refused.status, refused.body.errors?.[0]?.pointer]).toEqual([422, pointer])
  })

  test('the largest payload and the deepest are taken', async () => {
    const api = await apiWithDevice()
    for (const payload of ['x'.repeat(payloadBytesMax - 2), deepest(payloadLevelsMax)]) {
      const id = await queue(api, { payload })
      expect((await api.get(`devices/d1/commands/${id}`)).body.payload).toEqual(payload)
    }
  })

  test(`more than ${openMax} open ones of one device, however they come; those that have ended do not count`, async () => {
    const api = await apiWithDevice()
    await api.post('devices', { id: 'd2', type: 'generic' })
    const answers = await Promise.all(
      Array.from({ length: openMax + 20 }, () => api.post('devices/d1/commands', relay)),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(openMax)
    expect(answers.find(({ status }) => status !== 201)!.body.code).toBe('TIDEMARK_COMMAND_LIMIT')
    expect((await api.post('devices/d2/commands', relay)).status).toBe(201)
    await api.call('DELETE', `devices/d1/commands/${answers[0]!.body.id}`)
    expect((await api.post('devices/d1/commands', relay)).status).toBe(201)
  })

  test('a role that is too small, and a device that is not there', async () => {
    const api = await apiWithDevice()
    const id = await queue(api)
    const token = await api.tokenOf('read')
    expect((await api.call('POST', 'devices/d1/commands', relay, { token })).status).toBe(403)
    expect((await api.call('DELETE', `devices/d1/commands/${id}`, undefined, { token })).status).toBe(403)
    expect((await api.call('GET', `devices/d1/commands/${id}`, undefined, { token })).status).toBe(200)
    const operate = { token: await api.tokenOf('operate') }
    expect((await api.call('POST', 'devices/d1/commands', relay, operate)).body.createdBy).toBe('operate')
    expect((await api.post('devices/nobody/commands', relay)).body.code).toBe('TIDEMARK_NOT_FOUND')
  })
})

test(`the newest ${finishedMax} that have ended are kept for a device`, async () => {
  const api = await apiWithDevice()
  const ids: string[] = []
  for (let i = 0; i < finishedMax + 5; i++) {
    ids.unshift(await queue(api))
    await api.call('DELETE', `devices/d1/commands/${ids[0]}`)
  }
  expect((await api.all('devices/d1/commands', 1_000)).map(({ id }) => id)).toEqual(ids.slice(0, finishedMax))
}, 30_000)

test('a device takes its commands with it: one of the same id later has none of them', async () => {
  const api = await apiWithDevice()
  const open = await queue(api)
  const ended = await queue(api)
  await api.call('DELETE', `devices/d1/commands/${ended}`)
  await api.call('DELETE', 'devices/d1')
  await api.post('devices', { id: 'd1', type: 'generic' })
  expect((await api.get('devices/d1/commands')).body.items).toEqual([])
  for (const id of [open, ended]) expect((await api.get(`devices/d1/commands/${id}`)).status).toBe(404)
  expect(api.commands.due(Number.MAX_SAFE_INTEGER, 10)).toEqual([])
})

test('a command that is sent again with its Idempotency-Key is the same command', async () => {
  const api = await apiWithDevice()
  const options = { headers: { 'idempotency-key': 'relay-off-1' } }
  const [first, again] = [
    await api.call('POST', 'devices/d1/commands', relay, options),
    await api.call('POST', 'devices/d1/commands', relay, options),
  ]
  expect(again).toMatchObject({ status: 201, text: first.text })
  expect((await api.get('devices/d1/commands')).body.items).toHaveLength(1)
})
