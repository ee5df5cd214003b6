import { useMemo, useState } from 'preact/hooks'
import { allPages } from '../api/all-pages.ts'
import type { Device, Page, Profile } from '../api/types.ts'
import { DeviceTable } from '../components/device-table.tsx'
import { Empty, Shown } from '../components/notes.tsx'
import { PageHead } from '../components/page-head.tsx'
import { Permitted } from '../components/permitted.tsx'
import { plural } from '../format.ts'
import { hrefOf } from '../route.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { replaceRoute } from '../state/use-route.ts'
import { AddDevice } from './add-device.tsx'

/** Past this the list asks to be narrowed. */
const devicesMax = 20_000
const everyMs = 10_000
const label = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/

/** All devices: found by what is in their name or labels, narrowed by type, label and connection. */
export function Devices({ query }: { query: Readonly<Record<string, string>> }) {
  const { api } = useConsole()
  const [isAdding, setAdding] = useState(false)
  const { type, online, q = '' } = query
  const [, labelName, labelValue] = label.exec(query.label ?? '') ?? []
  const filter = {
    type,
    online,
    ...(labelName === undefined ? {} : { [`label.${labelName}`]: labelValue }),
  }
  const devices = useLoaded(
    (signal) => allPages<Device>(api, 'devices', filter, devicesMax, signal),
    [type, online, labelName, labelValue],
    everyMs,
  )
  const profiles = useLoaded((signal) => api.get<Page<Profile>>('profiles', { limit: 1_000 }, signal), [])
  const types = profiles.value?.items.map((profile) => profile.type) ?? []
  const items = devices.value?.items
  const found = useMemo(() => matching(items ?? [], q), [items, q])
  const set = (changed: Readonly<Record<string, string>>) =>
    replaceRoute(hrefOf('devices', undefined, { ...query, ...changed }))
  return (
    <>
      <PageHead title="Devices">
        <Permitted needs="admin" action="Adding a device">
          <button type="button" class="primary" onClick={() => setAdding(true)}>
            Add a device
          </button>
        </Permitted>
      </PageHead>
      <search class="filters">
        <label>
          Search
          <input
            type="search"
            placeholder="id or label"
            value={q}
            onInput={(event) => set({ q: event.currentTarget.value })}
          />
        </label>
        <label>
          Type
          <select value={type ?? ''} onChange={(event) => set({ type: event.currentTarget.value })}>
            <option value="">all types</option>
            {types.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Label
          <input
            type="text"
            placeholder="site=berlin"
            value={query.label ?? ''}
            onChange={(event) => set({ label: event.currentTarget.value })}
          />
        </label>
        <label>
          Connection
          <select value={online ?? ''} onChange={(event) => set({ online: event.currentTarget.value })}>
            <option value="">all</option>
            <option value="true">online</option>
            <option value="false">offline</option>
          </select>
        </label>
      </search>
      <Shown of={devices}>
        {({ items, isMore }) => (
          <>
            <p class="result" role="status">
              {plural(found.length, 'device')}
              {isMore && ` of the first ${plural(items.length, 'device')}: narrow the list to see others`}
            </p>
            {found.length === 0 ? (
              <NoDevices isFiltered={Object.keys(query).length > 0} />
            ) : (
              <DeviceTable devices={found} />
            )}
          </>
        )}
      </Shown>
      {isAdding && (
        <AddDevice
          types={types}
          onClose={() => {
            setAdding(false)
            devices.reload()
          }}
          onAdded={(device) =>
            devices.replace(({ items, isMore }) => ({ items: inOrder([...items, device]), isMore }))
          }
        />
      )}
    </>
  )
}

function NoDevices({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered)
    return (
      <Empty title="No device is like that">
        <a href={hrefOf('devices')}>Show all devices</a>
      </Empty>
    )
  return (
    <Empty title="There are no devices yet">
      <p>Add one; the page then shows the line with which it publishes.</p>
    </Empty>
  )
}

/** Devices in whose id or labels all words of `text` are. */
function matching(devices: readonly Device[], text: string): readonly Device[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return devices
  return devices.filter(({ id, labels }) => {
    const all = `${id} ${Object.entries(labels).flat().join(' ')}`.toLowerCase()
    return words.every((word) => all.includes(word))
  })
}

/** As the API orders them. */
function inOrder(devices: readonly Device[]): readonly Device[] {
  return [...devices].sort((a, b) => (a.id < b.id ? -1 : 1))
}
