import { expect, test } from 'vitest'
import { rule, startApi, type TestApi } from '../api.ts'

const profile = {
  type: 'kiln',
  strict: true,
  tags: ['site'],
  metrics: { temperature_c: { kind: 'gauge', unit: '°C' } },
}
const kilnRule = { ...rule, select: { types: ['kiln'] } }
const document = {
  profiles: [profile],
  devices: [
    { id: 'kiln-1', type: 'kiln', labels: { site: 'berlin' } },
    { id: 'meter-1', type: 'smart_meter', labels: {} },
  ],
  rules: [kilnRule],
}

async function filled(): Promise<TestApi> {
  const api = await startApi()
  expect((await api.post('import', document)).status).toBe(200)
  return api
}

test('what one platform exports, another imports, and then exports the same', async () => {
  const one = await filled()
  const exported = (await one.get('export')).body
  expect(exported).toMatchObject({ ...document, rules: [{ id: rule.id, select: { types: ['kiln'] } }] })
  const other = await startApi()
  const imported = await other.post('import', exported)
  expect(imported.body).toMatchObject({
    profiles: { created: ['kiln'] },
    devices: { created: ['kiln-1', 'meter-1'] },
    rules: { created: [rule.id] },
  })
  expect((await other.get('export')).body).toEqual(exported)
})

test('an export has no secret and nothing that ships; an import tells the secrets of new devices once', async () => {
  const api = await startApi()
  expect((await api.get('export')).body).toEqual({ profiles: [], devices: [], rules: [] })
  const { credentials } = (await api.post('import', document)).body
  expect(credentials.map(({ username }: { username: string }) => username).sort()).toEqual([
    'kiln-1',
    'meter-1',
  ])
  const { text } = await api.get('export')
  for (const { password } of credentials) expect(text).not.toContain(password)
  expect(text).not.toMatch(/secret|hash/i)
})

test('imported again it changes nothing, and devices keep their secrets', async () => {
  const api = await filled()
  const before = api.devices.find('kiln-1')?.secretHash
  const again = (await api.post('import', document)).body
  expect(again).toEqual({
    profiles: { created: [], updated: [], unchanged: ['kiln'] },
    devices: { created: [], updated: [], unchanged: ['kiln-1', 'meter-1'] },
    rules: { created: [], updated: [], unchanged: [rule.id], deleted: [] },
    credentials: [],
  })
  expect(api.devices.find('kiln-1')?.secretHash).toBe(before)
})

test('a dry run says what would be, and does nothing', async () => {
  const api = await startApi()
  await api.devices.create({ id: 'kiln-1', type: 'generic' })
  const told = await api.post('import?dryRun=true', document)
  expect(told.body).toMatchObject({ devices: { created: ['meter-1'], updated: ['kiln-1'] }, credentials: [] })
  expect(api.devices.size).toBe(1)
  expect([api.profiles.find('kiln'), api.rules.get(rule.id)]).toEqual([undefined, undefined])
})

test('a device without labels in the document keeps those it has', async () => {
  const api = await filled()
  await api.post('import', { devices: [{ id: 'kiln-1', type: 'generic' }] })
  expect(api.devices.find('kiln-1')).toMatchObject({ type: 'generic', labels: { site: 'berlin' } })
})

test.each([
  [{ profiles: [{ ...profile, metrics: { time: { kind: 'gauge' } } }] }, '/profiles/0/metrics/time'],
  [{ profiles: [profile, profile] }, '/profiles/1'],
  [{ devices: [document.devices[0], { id: '?', type: 'kiln' }] }, '/devices/1/id'],
  [{ devices: [document.devices[0], document.devices[0]] }, '/devices/1'],
  [{ rules: [{ ...kilnRule, severity: 'bad' }] }, '/rules/0/severity'],
  [{ rules: 5 }, '/rules'],
  [{ tokens: [] }, '/tokens'],
])('one thing wrong keeps all of it out: %#', async (change, pointer) => {
  const api = await startApi()
  const refused = await api.post('import', { ...document, ...change })
  expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer])
  expect((await api.get('export')).body).toEqual({ profiles: [], devices: [], rules: [] })
})
