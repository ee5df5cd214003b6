import { allPages } from '../api/all-pages.ts'
import type { Device, Page, Reading } from '../api/types.ts'
import { Empty, Shown } from '../components/notes.tsx'
import { PageHead } from '../components/page-head.tsx'
import { TimeChart } from '../components/time-chart.tsx'
import { type EnergyWindow, energyWindows, exportMetric, importMetric, totalKwh } from '../energy.ts'
import { figure, time } from '../format.ts'
import { hrefOf } from '../route.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { replaceRoute } from '../state/use-route.ts'

const metersMax = 2_000
const everyMs = 60_000
const hourMs = 3_600_000
/** The windows are those of the API, aligned to the epoch: a day is one of UTC. */
const views = {
  hour: { label: 'Hours', every: '1h', everyMs: hourMs, windows: 48 },
  day: { label: 'Days (UTC)', every: '1d', everyMs: 24 * hourMs, windows: 31 },
} as const
type View = keyof typeof views

/** What a meter took from the grid and gave to it, by hour or day. */
export function Energy({ id, query }: { id: string | undefined; query: Readonly<Record<string, string>> }) {
  const { api } = useConsole()
  const view: View = query.by === 'day' ? 'day' : 'hour'
  const meters = useLoaded(
    (signal) => allPages<Device>(api, 'devices', { type: 'smart_meter' }, metersMax, signal),
    [],
  )
  return (
    <>
      <PageHead title="Energy">
        <div class="segments">
          {(Object.keys(views) as View[]).map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={name === view}
              onClick={() => replaceRoute(hrefOf('energy', id, { by: name }))}
            >
              {views[name].label}
            </button>
          ))}
        </div>
      </PageHead>
      <Shown of={meters}>
        {({ items }) => {
          const meter = items.find((one) => one.id === id) ?? items[0]
          if (meter === undefined) return <Empty title="There is no smart meter" />
          return (
            <>
              <search class="filters">
                <label>
                  Meter
                  <select
                    value={meter.id}
                    onChange={(event) =>
                      replaceRoute(hrefOf('energy', event.currentTarget.value, { by: view }))
                    }
                  >
                    {items.map((one) => (
                      <option key={one.id} value={one.id}>
                        {one.id}
                      </option>
                    ))}
                  </select>
                </label>
              </search>
              <Meter key={meter.id} device={meter.id} view={view} />
            </>
          )
        }}
      </Shown>
    </>
  )
}

function Meter({ device, view }: { device: string; view: View }) {
  const { api } = useConsole()
  const { every, everyMs: windowMs, windows: count } = views[view]
  const energy = useLoaded(
    async (signal) => {
      const to = Date.now()
      // One window more: its last register is what the first shown one is compared with.
      const from = Math.floor(to / windowMs) * windowMs - count * windowMs
      const metric = `${importMetric},${exportMetric}`
      const query = { device, metric, from, to, every, fn: 'last', limit: 1_000 }
      return {
        windows: energyWindows((await api.get<Page<Reading>>('readings', query, signal)).items),
        from,
        to,
      }
    },
    [view],
    everyMs,
  )
  return (
    <Shown of={energy}>
      {({ windows, from, to }) =>
        windows.length === 0 ? (
          <Empty title="There is nothing to compare yet">
            <p>
              Energy is the difference of two registers: it shows once the meter has sent in a second {view}.
            </p>
          </Empty>
        ) : (
          <Balance windows={windows} span={{ from, to: to + windowMs / 2 }} device={device} />
        )
      }
    </Shown>
  )
}

const series = [
  { label: 'Import', unit: 'kWh', colour: '--accent', isBars: true },
  { label: 'Export, PV', unit: 'kWh', colour: '--chart-2', isBars: true },
] as const

function Balance({
  windows,
  span,
  device,
}: {
  windows: readonly EnergyWindow[]
  span: { from: number; to: number }
  device: string
}) {
  const [taken, given] = [totalKwh(windows, 'importKwh'), totalKwh(windows, 'exportKwh')]
  const data = {
    times: windows.map(({ at }) => at),
    columns: [
      windows.map(({ importKwh }) => importKwh ?? null),
      // Downwards: what was given away is on the other side of zero.
      windows.map(({ exportKwh }) => (exportKwh === undefined ? null : -exportKwh)),
    ],
  }
  const now = Date.now()
  return (
    <>
      <dl class="tiles energy-tiles">
        <div class="tile">
          <dt>Import</dt>
          <dd class="tile-value">{figure(taken)} kWh</dd>
        </div>
        <div class="tile">
          <dt>Export, PV</dt>
          <dd class="tile-value">{figure(given)} kWh</dd>
        </div>
        <div class="tile">
          <dt>Net</dt>
          <dd class="tile-value">{figure(taken - given)} kWh</dd>
        </div>
      </dl>
      <section class="card energy-chart" aria-labelledby="energy-of">
        <h2 id="energy-of">
          {device} <a href={hrefOf('devices', device)}>the device</a>
        </h2>
        <TimeChart
          data={data}
          series={series}
          span={span}
          heightPx={320}
          summary={`Energy of ${device}: ${figure(taken)} kWh imported, ${figure(given)} kWh exported`}
        />
        <details>
          <summary>As a table</summary>
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col" class="number">
                  Import, kWh
                </th>
                <th scope="col" class="number">
                  Export, kWh
                </th>
              </tr>
            </thead>
            <tbody>
              {[...windows].reverse().map(({ at, importKwh, exportKwh }) => (
                <tr key={at}>
                  <th scope="row">{time(new Date(at).toISOString(), now)}</th>
                  <td class="number">{importKwh === undefined ? '–' : figure(importKwh)}</td>
                  <td class="number">{exportKwh === undefined ? '–' : figure(exportKwh)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      </section>
    </>
  )
}
