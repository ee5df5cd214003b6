import { useState } from 'preact/hooks'
import type { Alarm, Device, DeviceWithSecret, Episode, Latest, Page, Profile } from '../api/types.ts'
import { ConnectLines } from '../components/connect-lines.tsx'
import { DeviceAlarms } from '../components/device-alarms.tsx'
import { DeviceChart } from '../components/device-chart.tsx'
import { DeviceCommands } from '../components/device-commands.tsx'
import { Labels } from '../components/device-table.tsx'
import { Dialog } from '../components/dialog.tsx'
import { Status } from '../components/icons.tsx'
import { LatestValues } from '../components/latest-values.tsx'
import { Empty, ErrorNote, Shown } from '../components/notes.tsx'
import { PageHead } from '../components/page-head.tsx'
import { Permitted } from '../components/permitted.tsx'
import { age, time } from '../format.ts'
import { hrefOf } from '../route.ts'
import { useConsole, useEvents } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { replaceRoute } from '../state/use-route.ts'

/** So that a value is seen within a second of its arrival. */
const latestEveryMs = 500
const deviceEveryMs = 5_000
const alarmsMax = 100

/** One device: what it says now, what it said, what was wrong with it, how it connects. */
export function DevicePage({ id, query }: { id: string; query: Readonly<Record<string, string>> }) {
  const { api } = useConsole()
  const path = `devices/${encodeURIComponent(id)}`
  const device = useLoaded((signal) => api.get<Device>(path, {}, signal), [], deviceEveryMs)
  const latest = useLoaded((signal) => api.get<Latest>(`${path}/latest`, {}, signal), [], latestEveryMs)
  const standing = useLoaded(
    (signal) => api.get<Page<Alarm>>('alarms', { device: id, limit: alarmsMax }, signal),
    [],
  )
  const past = useLoaded(
    (signal) => api.get<Page<Episode>>('alarm-history', { device: id, limit: alarmsMax }, signal),
    [],
  )
  useEvents((events) => {
    if (events.length > 0 && events.every(({ data }) => data.device !== id)) return
    standing.reload()
    past.reload()
  })
  const type = device.value?.type
  const profile = useLoaded(
    (signal) =>
      type === undefined
        ? Promise.resolve(undefined)
        : api.get<Profile>(`profiles/${encodeURIComponent(type)}`, {}, signal).catch(() => undefined),
    [type],
  )
  const metrics = Object.keys(latest.value?.values ?? {})
  const values = latest.value?.values ?? {}
  const metric = query.metric ?? metrics.find((name) => typeof values[name]?.value === 'number') ?? metrics[0]
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf('devices')}>Devices</a>
      </p>
      <PageHead title={id}>
        <Permitted needs="admin" action="A new secret">
          <RotateSecret path={path} device={id} />
        </Permitted>
      </PageHead>
      <Shown of={device}>{(one) => <Facts device={one} />}</Shown>
      <div class="columns device-columns">
        <section class="card" aria-labelledby="values">
          <h2 id="values">Newest values</h2>
          <Shown of={latest}>
            {({ values }) =>
              metrics.length === 0 ? (
                <Empty title="It has sent nothing yet">
                  <p>Use the line below; its values appear here within a second.</p>
                </Empty>
              ) : (
                <LatestValues
                  values={values}
                  chosen={metric}
                  onChoose={(name) => replaceRoute(hrefOf('devices', id, { ...query, metric: name }))}
                />
              )
            }
          </Shown>
        </section>
        <section class="card grow" aria-labelledby="chart">
          <h2 id="chart">{metric ?? 'History'}</h2>
          {metric === undefined || latest.value === undefined ? (
            <Empty title="Nothing to draw yet" />
          ) : (
            <DeviceChart
              device={id}
              metric={metric}
              newest={values[metric]}
              profile={profile.value?.metrics[metric]}
              query={query}
              standing={standing.value?.items ?? []}
              past={past.value?.items ?? []}
            />
          )}
        </section>
      </div>
      <div class="columns">
        <section class="card grow" aria-labelledby="its-alarms">
          <h2 id="its-alarms">Its alarms</h2>
          <Shown of={standing}>
            {({ items }) => <DeviceAlarms standing={items} past={past.value?.items ?? []} />}
          </Shown>
        </section>
        <section class="card" aria-labelledby="connect">
          <h2 id="connect">Connect it</h2>
          <ConnectLines device={id} />
        </section>
      </div>
      <section class="card" aria-labelledby="commands">
        <h2 id="commands">Commands</h2>
        <DeviceCommands device={id} />
      </section>
    </>
  )
}

function Facts({ device }: { device: Device }) {
  const now = Date.now()
  return (
    <p class="device-facts">
      <Status tone={device.online ? 'ok' : 'off'}>{device.online ? 'online' : 'offline'}</Status>
      <span>{device.type}</span>
      <Labels labels={device.labels} />
      <span class="faint">last seen {age(device.lastSeenAt, now)}</span>
      <span class="faint">added {time(device.createdAt, now)}</span>
    </p>
  )
}

/** Asks first: the device is cut off until it has the new secret. */
function RotateSecret({ path, device }: { path: string; device: string }) {
  const { api } = useConsole()
  const [isOpen, setOpen] = useState(false)
  const [rotated, setRotated] = useState<DeviceWithSecret | undefined>(undefined)
  const [error, setError] = useState<Error | undefined>(undefined)
  const close = () => {
    setOpen(false)
    setRotated(undefined)
    setError(undefined)
  }
  const rotate = () =>
    api.post<DeviceWithSecret>(`${path}/credentials`).then(setRotated, (failure: Error) => setError(failure))
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        New secret
      </button>
      {isOpen && (
        <Dialog title={`New secret for ${device}`} onClose={close}>
          {error !== undefined && <ErrorNote error={error} />}
          {rotated === undefined ? (
            <>
              <p>
                The secret it has now stops working at once, and the device is cut off until it has the new
                one.
              </p>
              <p class="form-end">
                <button type="button" onClick={close}>
                  Keep the old one
                </button>
                <button type="button" class="primary" onClick={rotate}>
                  Make a new secret
                </button>
              </p>
            </>
          ) : (
            <>
              <p class="note">It is shown this once: the platform keeps only its hash.</p>
              <ConnectLines device={device} secret={rotated.credentials.password} />
            </>
          )}
        </Dialog>
      )}
    </>
  )
}
