import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'
import { histogramBuckets, parseMetrics } from '../api/metrics-text.ts'
import type { Alarm, Page, Severity, Stats } from '../api/types.ts'
import { SeverityBadge, Status } from '../components/icons.tsx'
import { Empty, Shown } from '../components/notes.tsx'
import { PageHead } from '../components/page-head.tsx'
import { DeviceLink } from '../components/subject-links.tsx'
import { TimeChart } from '../components/time-chart.tsx'
import { age, count, figure, latency, plural } from '../format.ts'
import { hrefOf } from '../route.ts'
import { useConsole, useEvents } from '../state/console.ts'
import { ackP99, type CounterSample, ratesOf, withSample } from '../state/rates.ts'
import { useLoaded } from '../state/use-loaded.ts'

const everyMs = 2_000
const chartMs = 5 * 60_000
const alarmsShown = 8
/** More than this and a consumer is behind, not merely at work. */
const lagUsual = 5_000

interface Moment {
  readonly stats: Stats
  readonly samples: readonly CounterSample[]
}

/** How the platform is now: what comes in, how fast, whether all of it is accounted for, and what stands. */
export function Overview() {
  const { api } = useConsole()
  const samples = useRef<CounterSample[]>([])
  const moment = useLoaded<Moment>(
    async (signal) => {
      const [stats, text] = await Promise.all([api.get<Stats>('stats', {}, signal), api.metrics(signal)])
      const metrics = parseMetrics(text)
      samples.current = withSample(samples.current, {
        at: Date.now(),
        acknowledged: metrics.get('tidemark_messages_acknowledged_total') ?? 0,
        readingsStored: metrics.get('tidemark_readings_stored_total') ?? 0,
        ack: histogramBuckets(metrics, 'tidemark_ack_seconds'),
      })
      return { stats, samples: samples.current }
    },
    [],
    everyMs,
  )
  return (
    <>
      <PageHead title="Overview" />
      <Shown of={moment}>
        {({ stats, samples }) => (
          <>
            <Tiles stats={stats} samples={samples} />
            <div class="columns">
              <Throughput samples={samples} />
              <StandingAlarms />
            </div>
            <div class="columns">
              <Account messages={stats.messages} />
              <Consumers consumers={stats.consumers} />
            </div>
          </>
        )}
      </Shown>
    </>
  )
}

function Tile({ label, value, children }: { label: string; value: string; children?: ComponentChildren }) {
  return (
    <div class="tile">
      <dt>{label}</dt>
      <dd>
        <span class="tile-value">{value}</span>
        <span class="tile-note">{children}</span>
      </dd>
    </div>
  )
}

function Tiles({ stats, samples }: Moment) {
  const { devices, alarms, store, messages } = stats
  const rate = ratesOf(samples).at(-1)
  return (
    <dl class="tiles">
      <Tile label="Messages" value={figure(Math.round(rate?.messagesPerSecond ?? messages.perSecond))}>
        a second
      </Tile>
      <Tile
        label="Readings stored"
        value={rate === undefined ? '–' : figure(Math.round(rate.readingsPerSecond))}
      >
        a second
      </Tile>
      <Tile label="Acknowledged within" value={latency(ackP99(samples))}>
        for 99 of 100, last minute
      </Tile>
      <Tile label="Devices online" value={count(devices.online)}>
        of {count(devices.total)}
      </Tile>
      <Tile label="Alarms standing" value={count(alarms.standing)}>
        {alarms.unacknowledged === 0
          ? 'all acknowledged'
          : `${count(alarms.unacknowledged)} not acknowledged`}
      </Tile>
      <Tile label="Database" value={store.kind === 'duckdb' ? 'DuckDB' : 'InfluxDB'}>
        <Status tone={store.up ? 'ok' : 'bad'}>{store.up ? 'up' : 'down: readings wait in the log'}</Status>
      </Tile>
    </dl>
  )
}

const throughput = [
  { label: 'Messages', unit: '/s', colour: '--accent' },
  { label: 'Readings', unit: '/s', colour: '--chart-2' },
] as const

function Throughput({ samples }: { samples: readonly CounterSample[] }) {
  const rates = ratesOf(samples)
  const to = samples.at(-1)?.at ?? Date.now()
  const last = rates.at(-1)
  const data = {
    times: rates.map(({ at }) => at),
    columns: [
      rates.map(({ messagesPerSecond }) => messagesPerSecond),
      rates.map(({ readingsPerSecond }) => readingsPerSecond),
    ],
  }
  const summary =
    last === undefined
      ? 'Throughput: nothing measured yet'
      : `Throughput of the last five minutes; now ${figure(Math.round(last.messagesPerSecond))} messages and ${figure(Math.round(last.readingsPerSecond))} readings a second`
  return (
    <section class="card grow" aria-labelledby="throughput">
      <h2 id="throughput">Throughput</h2>
      <TimeChart
        data={data}
        series={throughput}
        span={{ from: to - chartMs, to }}
        heightPx={220}
        isFromZero
        summary={summary}
      />
    </section>
  )
}

const rank: readonly Severity[] = ['critical', 'major', 'minor', 'warning', 'info']

function StandingAlarms() {
  const { api } = useConsole()
  const alarms = useLoaded(
    (signal) => api.get<Page<Alarm>>('alarms', { limit: 1_000, state: 'active' }, signal),
    [],
    30_000,
  )
  useEvents(alarms.reload)
  const now = Date.now()
  return (
    <section class="card" aria-labelledby="standing">
      <h2 id="standing">
        Worst alarms <a href={hrefOf('alarms')}>all alarms</a>
      </h2>
      <Shown of={alarms}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing is wrong">
              <p>No alarm is up.</p>
            </Empty>
          ) : (
            <ul class="alarm-list">
              {[...items]
                .sort(
                  (a, b) =>
                    rank.indexOf(a.severity) - rank.indexOf(b.severity) || (a.since < b.since ? 1 : -1),
                )
                .slice(0, alarmsShown)
                .map((alarm) => (
                  <li key={alarm.id}>
                    <SeverityBadge severity={alarm.severity} />
                    <DeviceLink id={alarm.device} />
                    <span class="message">{alarm.message}</span>
                    <span class="faint">{age(alarm.since, now)}</span>
                  </li>
                ))}
            </ul>
          )
        }
      </Shown>
    </section>
  )
}

/** `acknowledged = stored + rejected + pending`, read at one moment. */
function Account({ messages }: { messages: Stats['messages'] }) {
  const { acknowledged, stored, deadLettered, pending } = messages
  const difference = acknowledged - stored - deadLettered - pending
  return (
    <section class="card" aria-labelledby="account">
      <h2 id="account">Every message accounted for</h2>
      <p class="equation">
        <Term n={acknowledged} name="acknowledged" />
        <span class="sign">=</span>
        <Term n={stored} name="stored" />
        <span class="sign">+</span>
        <Term n={deadLettered} name="rejected" href={hrefOf('rejected')} />
        <span class="sign">+</span>
        <Term n={pending} name="on their way" />
      </p>
      <Status tone={difference === 0 ? 'ok' : 'bad'}>
        {difference === 0
          ? 'It adds up'
          : `It does not add up: ${plural(Math.abs(difference), 'message')} off`}
      </Status>
    </section>
  )
}

function Term({ n, name, href }: { n: number; name: string; href?: string }) {
  return (
    <span class="term">
      <strong>{count(n)}</strong>
      {href === undefined ? <span>{name}</span> : <a href={href}>{name}</a>}
    </span>
  )
}

const work: Readonly<Record<string, string>> = {
  ingest: 'reads and checks messages',
  storage: 'writes readings to the database',
  rules: 'judges readings',
  'rules-connections': 'judges who is connected',
  'event-storage': 'writes events to the database',
  'event-delivery': 'publishes events',
  'command-delivery': 'sends commands to devices',
  webhooks: 'sends events to webhooks',
  analytics: 'counts what fleets do now',
}

function Consumers({ consumers }: { consumers: Stats['consumers'] }) {
  return (
    <section class="card" aria-labelledby="consumers">
      <h2 id="consumers">Consumers of the log</h2>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Consumer</th>
            <th scope="col" class="number">
              Yet to read
            </th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {consumers.map(({ name, lag }) => (
            <tr key={name}>
              <th scope="row">
                {name} {work[name] !== undefined && <span class="faint">{work[name]}</span>}
              </th>
              <td class="number">{count(lag)}</td>
              <td>
                <Status tone={lag > lagUsual ? 'warn' : 'ok'}>
                  {lag > lagUsual ? 'behind' : 'keeps up'}
                </Status>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
