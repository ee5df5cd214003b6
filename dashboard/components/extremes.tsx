import type { LiveTop, RankedDevice } from '../api/types.ts'
import { figure, plural } from '../format.ts'
import { hrefOf } from '../route.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { Empty, Shown } from './notes.tsx'
import { ValueTable } from './value-table.tsx'

const everyMs = 2_000
const shownMax = 10

/** What each bound leaves out, for people. */
const beyond: Readonly<Record<LiveTop['bounds'][number], string>> = {
  devices: 'some devices, for there are more than the platform counts',
  metrics: 'some metrics, for the type has more than the platform counts',
  labels: 'some labels, for the type has more than the platform counts',
  labelValues: 'some values of labels, for there are more than the platform counts',
}

/** Who has the highest and the lowest value now, and what is left out of all that the page shows. */
export function Extremes({ type, metric, unit }: { type: string; metric: string; unit: string }) {
  const { api } = useConsole()
  const top = useLoaded(
    (signal) => api.get<LiveTop>('analytics/top', { type, metric, n: shownMax }, signal),
    [],
    everyMs,
  )
  return (
    <Shown of={top}>
      {({ highest, lowest, late, bounds }) => (
        <>
          <div class="columns">
            <Ranked title="Highest now" ranked={highest} unit={unit} />
            <Ranked title="Lowest now" ranked={lowest} unit={unit} />
          </div>
          {late + bounds.length > 0 && (
            <div class="note note-warn left-out">
              <p>Left out of what is shown:</p>
              <ul>
                {late > 0 && (
                  <li>
                    {plural(late, 'reading')} that came after{' '}
                    {late === 1 ? 'its minute was' : 'their minutes were'} closed; the database has them
                  </li>
                )}
                {bounds.map((bound) => (
                  <li key={bound}>{beyond[bound]}</li>
                ))}
              </ul>
            </div>
          )}
        </>
      )}
    </Shown>
  )
}

function Ranked({ title, ranked, unit }: { title: string; ranked: readonly RankedDevice[]; unit: string }) {
  const rows = ranked.map(({ device, value, time }) => ({
    key: device,
    name: <a href={hrefOf('devices', device)}>{device}</a>,
    value: figure(value),
    unit,
    time,
  }))
  const id = title.toLowerCase().replaceAll(' ', '-')
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {ranked.length === 0 ? (
        <Empty title="Nobody has reported in the last minutes" />
      ) : (
        <ValueTable of="Device" kind="ranked" rows={rows} />
      )}
    </section>
  )
}
