import { expect, onTestFinished, test } from 'vitest'
import { isDeviceId, isDeviceType, isLabelName, isMetricName } from '../../domain/names.ts'
import { poll, publish, RawClient, returnCodeOf } from '../broker/raw-client.ts'
import { prototypeNames } from '../http/api.ts'
import { HealthyClient } from '../support/healthy-client.ts'
import { adminToken, startPlatformProcess } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

test(`the ${prototypeNames.length} names that every object has are names like any other, or refused, wherever a name may stand`, async () => {
  const platform = await startPlatformProcess(tempDir())
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  const mqttPort = Number(new URL(platform.mqttUrl).port)
  const call = async (method: string, path: string, body?: string) => {
    const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }
    const init = body === undefined ? { method, headers } : { method, headers, body }
    const answer = await fetch(`${platform.httpUrl}/api/v1/${path}`, init)
    return { status: answer.status, text: await answer.text() }
  }
  const register = async (id: string, more = '') => {
    const { status, text } = await call('POST', 'devices', `{"id":"${id}","type":"generic"${more}}`)
    return status === 201 ? (JSON.parse(text).credentials.password as string) : undefined
  }
  const healthy = new HealthyClient(platform, 'healthy', (await register('healthy'))!)
  await healthy.start()
  const publisher = await RawClient.connect(mqttPort, {
    ...{ clientId: 'publisher', username: 'publisher', password: (await register('publisher'))! },
  })

  for (const [n, name] of prototypeNames.entries()) {
    // Nothing is there before it was made, whatever a table of names inherits.
    for (const path of [
      'devices',
      'rules',
      'profiles',
      'webhooks',
      'tokens',
      'alarms',
      'maintenance-windows',
    ])
      expect([path, name, (await call('GET', `${path}/${name}`)).status]).toEqual([path, name, 404])
    expect(await returnCodeOf(mqttPort, { clientId: name, username: name, password: 'x' })).toBe(5)
    expect((await call('GET', `devices?${name}=1`)).status).toBe(422)
    expect(JSON.parse((await call('GET', `devices?label.${name}=1`)).text)).toEqual({
      ...{ items: [], nextCursor: null },
    })

    // As a device with itself as label; a device and its label of that name are found by it.
    const label = isLabelName(name) ? `,"labels":{"${name}":"${name}"}` : ''
    const secret = await register(name, label)
    expect([name, secret !== undefined]).toEqual([name, isDeviceId(name)])
    if (label !== '' && secret !== undefined)
      expect(JSON.parse((await call('GET', `devices?label.${name}=${name}`)).text).items).toHaveLength(1)

    // As a metric: stored, or a dead letter, and acknowledged either way.
    publisher.send(publish('v1/devices/me/telemetry', `{"${name}":${n}}`, n + 1))
    await publisher.expectCount('puback', n + 1)
    const stored = async () => {
      const found = await call('GET', `readings?device=publisher&metric=${name}`)
      return JSON.parse(found.text).items?.map(({ values }: { values: object }) => Object.entries(values))
    }
    if (isMetricName(name)) await expect.poll(stored, poll).toEqual([[[name, n]]])

    // As the type of a profile, the id of a rule, and a field of each.
    const profile = await call('PUT', `profiles/${name}`, `{"type":"${name}","metrics":{}}`)
    expect([name, profile.status < 300]).toEqual([name, isDeviceType(name)])
    const when = `{"kind":"threshold","metric":"${isMetricName(name) ? name : 'a'}","above":1}`
    const rule = `{"id":"${name}","name":"n","class":"health","severity":"minor","select":{"types":["generic"]},"when":${when}}`
    expect([201, 400, 422]).toContain((await call('POST', 'rules', rule)).status)
    const field = rule.replace('{', `{"${name}":1,`).replace(`"id":"${name}"`, '"id":"r"')
    expect([400, 422]).toContain((await call('POST', 'rules', field)).status)
  }
  expect(await healthy.stop()).toBeGreaterThan(0)
  expect(platform.stderr()).not.toMatch(/TIDEMARK_(INTERNAL|FAILED)/)
})
