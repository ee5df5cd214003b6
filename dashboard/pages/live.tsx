import type { ApiClient } from '../api/api-client.ts'
import type { Device, Latest, LiveFunction, Page, Profile } from '../api/types.ts'
import { Extremes } from '../components/extremes.tsx'
import { LoadCurve } from '../components/load-curve.tsx'
import { Empty, Shown } from '../components/notes.tsx'
import { PageHead } from '../components/page-head.tsx'
import { usualFunction } from '../live-series.ts'
import { hrefOf } from '../route.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { replaceRoute } from '../state/use-route.ts'
import { ranges } from '../time-range.ts'

const functions: Readonly<Record<LiveFunction, string>> = {
  sum: 'sum',
  mean: 'mean',
  min: 'least',
  max: 'greatest',
  count: 'number of devices',
}
/** The platform keeps a day of minutes. */
const dayMs = 86_400_000
const liveRanges = ranges.filter(({ ms }) => ms <= dayMs)
const usualRange = '15m'
/** What most fleets are about, where there are meters. */
const usual = { type: 'smart_meter', metric: 'active_power_w' }
/** In place of a label: all devices as one. No label can be called so. */
const together = '*'

type Query = Readonly<Record<string, string>>

/** What a fleet does now: a metric of all its devices by minute, and who has most and least of it. */
export function Live({ query }: { query: Query }) {
  const { api } = useConsole()
  const fleet = useLoaded((signal) => fleetOf(api, query.type, signal), [query.type])
  return (
    <>
      <PageHead title="Live" />
      <Shown of={fleet}>
        {(found) =>
          found === null ? (
            <Empty title="There are no devices yet">
              <p>
                <a href={hrefOf('devices')}>Add a device</a>, or start the platform with --demo. What devices
                send shows here within a second.
              </p>
            </Empty>
          ) : (
            <FleetPage fleet={found} query={query} />
          )
        }
      </Shown>
    </>
  )
}

/** A type of devices: what there is to choose of it. */
interface Fleet {
  readonly types: readonly string[]
  readonly type: string
  readonly metrics: readonly string[]
  readonly units: Readonly<Record<string, string>>
  readonly labels: readonly string[]
  /** The first of these that a device of the type has. */
  readonly label: string | undefined
}

/** Null without any device. What profiles do not name is taken from one device of the type. */
async function fleetOf(
  api: ApiClient,
  asked: string | undefined,
  signal: AbortSignal,
): Promise<Fleet | null> {
  const one = async (type?: string) =>
    (await api.get<Page<Device>>('devices', { type, limit: 1 }, signal)).items[0]
  const profiles = (await api.get<Page<Profile>>('profiles', { limit: 1_000 }, signal)).items
  const some = asked === undefined ? ((await one(usual.type)) ?? (await one())) : await one(asked)
  const type = asked ?? some?.type
  if (type === undefined) return null
  const latest =
    some === undefined
      ? undefined
      : await api.get<Latest>(`devices/${encodeURIComponent(some.id)}/latest`, {}, signal)
  const profile = profiles.find((own) => own.type === type)
  const sent = Object.entries(latest?.values ?? {}).filter(([, { value }]) => typeof value !== 'string')
  const listed = Object.entries(profile?.metrics ?? {})
  const names = sent.length > 0 ? sent : listed
  return {
    types: profiles.map((own) => own.type),
    type,
    metrics: names.map(([name]) => name),
    units: Object.fromEntries(listed.map(([name, { unit = '' }]) => [name, unit])),
    labels: profile?.tags ?? [],
    label: profile?.tags.find((tag) => some?.labels[tag] !== undefined),
  }
}

function FleetPage({ fleet, query }: { fleet: Fleet; query: Query }) {
  const { types, type, metrics, units, labels, label } = fleet
  const usualMetric = metrics.includes(usual.metric) ? usual.metric : metrics[0]
  const metric = query.metric ?? usualMetric
  const unit = units[metric ?? ''] ?? ''
  const by = query.by ?? label ?? together
  const fn =
    (Object.keys(functions) as LiveFunction[]).find((name) => name === query.fn) ?? usualFunction(unit)
  const range = liveRanges.find(({ name }) => name === (query.range ?? usualRange)) ?? liveRanges[0]!
  const set = (changed: Query) => replaceRoute(hrefOf('live', undefined, { ...query, ...changed }))
  const choice = (
    name: string,
    value: string,
    options: readonly (readonly [value: string, text: string])[],
    onChoose: (value: string) => void,
  ) => (
    <label>
      {name}
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
  const plain = (names: readonly string[]) => [...new Set(names)].map((name) => [name, name] as const)
  const shownUnit = fn === 'count' ? '' : unit
  const told = `${functions[fn].charAt(0).toUpperCase()}${functions[fn].slice(1)} of ${metric}${by === together ? '' : ` by ${by}`}`
  return (
    <>
      <search class="filters">
        {choice('Type', type, plain([...types, type]), (value) =>
          // Another type has other metrics and labels.
          replaceRoute(hrefOf('live', undefined, { type: value, range: query.range })),
        )}
        {choice(
          'Metric',
          metric ?? '',
          plain(metric === undefined ? metrics : [...metrics, metric]),
          (value) => set({ metric: value }),
        )}
        {choice('Line for each', by, [[together, 'all devices'], ...plain(labels)], (value) =>
          set({ by: value }),
        )}
        {choice('Function', fn, Object.entries(functions), (value) => set({ fn: value }))}
        {choice(
          'Time',
          range.name,
          liveRanges.map(({ name, label: text }) => [name, text] as const),
          (value) => set({ range: value }),
        )}
      </search>
      {metric === undefined ? (
        <Empty title={`No ${type} has sent anything yet`}>
          <p>
            Choose another type, or <a href={hrefOf('devices', undefined, { type })}>connect its devices</a>.
          </p>
        </Empty>
      ) : (
        <>
          <LoadCurve
            key={`curve ${type} ${metric} ${by} ${fn} ${range.name}`}
            query={{ type, metric, by: by === together ? undefined : by, fn, rangeMs: range.ms }}
            unit={shownUnit}
            told={told}
          />
          <Extremes key={`extremes ${type} ${metric}`} type={type} metric={metric} unit={unit} />
        </>
      )}
    </>
  )
}
