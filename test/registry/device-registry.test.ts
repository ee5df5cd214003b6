import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { DeviceRegistry, hashOf } from '../../registry/device-registry.ts'
import { RegistryView } from '../../registry/registry-view.ts'
import { tempDir } from '../support/temp-dir.ts'

const clock = { now: () => Date.UTC(2026, 10, 23) }

async function openRegistry(path = join(tempDir(), 'log')) {
  const log = await openLmdbLog({ path })
  onTestFinished(() => log.close())
  const registry = new DeviceRegistry(log, clock)
  registry.load()
  return { log, registry, path }
}

test('a device outlives the process, its secret only as a hash', async () => {
  const path = join(tempDir(), 'log')
  const first = await openLmdbLog({ path })
  const created = await new DeviceRegistry(first, clock).create({
    id: 'a',
    type: 'fridge',
    labels: { site: 'x' },
  })
  expect(JSON.stringify(first.entries('devices'))).not.toContain(created!.secret)
  await first.close()
  const { registry } = await openRegistry(path)
  expect(registry.find('a')).toEqual({
    id: 'a',
    type: 'fridge',
    labels: { site: 'x' },
    createdAt: '2026-11-23T00:00:00.000Z',
    secretHash: hashOf(created!.secret),
  })
})

test('of two who register the same id at once one gets it', async () => {
  const { registry } = await openRegistry()
  const created = await Promise.all([1, 2].map(() => registry.create({ id: 'a', type: 'fridge' })))
  const [winner] = created.filter((one) => one !== undefined)
  expect(created.filter((one) => one === undefined)).toHaveLength(1)
  expect(registry.find('a')?.secretHash).toBe(hashOf(winner!.secret))
})

test('listeners hear of every change once it is durable', async () => {
  const { log, registry } = await openRegistry()
  const heard: unknown[] = []
  registry.onChange((change, id) => heard.push([change, id, log.get('devices', id) !== undefined]))
  await registry.create({ id: 'a', type: 'fridge' })
  await registry.create({ id: 'a', type: 'fridge' })
  await registry.update('a', { labels: { site: 'y' } })
  await registry.rotateSecret('a')
  expect(await registry.remove('a')).toBe(true)
  expect(await registry.remove('a')).toBe(false)
  expect(await registry.update('a', {})).toBeUndefined()
  expect(await registry.rotateSecret('a')).toBeUndefined()
  expect(heard).toEqual([
    ['created', 'a', true],
    ['changed', 'a', true],
    ['secret', 'a', true],
    ['removed', 'a', false],
  ])
  expect([registry.find('a'), registry.size]).toEqual([undefined, 0])
})

test('a view in another thread follows creation, change and removal of devices and profiles', async () => {
  const { log, registry } = await openRegistry()
  const view = new RegistryView(log)
  await registry.create({ id: 'a', type: 'fridge' })
  await registry.create({ id: 'b', type: 'fridge' })
  expect(view.refresh().map(({ key }) => key)).toEqual(['a', 'b'])
  await registry.remove('a')
  await registry.update('b', { type: 'generic' })
  await log.transaction((tx) =>
    tx.put('profiles', 'fridge', { type: 'fridge', strict: true, tags: [], metrics: {} }),
  )
  view.refresh()
  expect([...view.devices.values()].map(({ id, type }) => [id, type])).toEqual([['b', 'generic']])
  expect(view.profiles.get('fridge')?.strict).toBe(true)
  await log.transaction((tx) => tx.remove('profiles', 'fridge'))
  view.refresh()
  expect(view.profiles.get('fridge')?.strict).toBe(false)
  expect(view.refresh()).toEqual([])
})

test('a change whose entry in the audit log cannot be written is not made, and nobody is told of it', async () => {
  const { log, registry } = await openRegistry()
  const { device } = (await registry.create({ id: 'a', type: 'fridge' }))!
  const told: string[] = []
  registry.onChange((change) => void told.push(change))
  const act = {
    by: 'ana',
    write: () => {
      throw new Error('no room')
    },
  }
  await expect(registry.create({ id: 'b', type: 'fridge' }, act)).rejects.toThrow('no room')
  await expect(registry.update('a', { type: 'generic' }, act)).rejects.toThrow('no room')
  await expect(registry.rotateSecret('a', act)).rejects.toThrow('no room')
  await expect(registry.remove('a', act)).rejects.toThrow('no room')
  expect(log.entries('devices')).toEqual([['a', device]])
  expect([registry.find('a'), registry.find('b'), told]).toEqual([device, undefined, []])
})
