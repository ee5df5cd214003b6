import { useState } from 'preact/hooks'
import type { Alarm, Episode, Page, Severity } from '../api/types.ts'
import { AlarmDialog } from '../components/alarm-dialog.tsx'
import { SeverityBadge, Status } from '../components/icons.tsx'
import { Empty, ErrorNote, Shown } from '../components/notes.tsx'
import { PageHead } from '../components/page-head.tsx'
import { Pager, useCursors } from '../components/pager.tsx'
import { Permitted } from '../components/permitted.tsx'
import { DeviceLink } from '../components/subject-links.tsx'
import { age, duration, plural, time, value } from '../format.ts'
import { hrefOf } from '../route.ts'
import { useConsole, useEvents } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { replaceRoute } from '../state/use-route.ts'

const severities: readonly Severity[] = ['critical', 'major', 'minor', 'warning', 'info']
/** More at once nobody works through; the list says how many there are. */
const alarmsMax = 500
const pastItems = 100
/** Shelved alarms come back, and values change, without an event. */
const everyMs = 15_000

/** Alarms that stand, and those that have ended. */
export function Alarms({ query }: { query: Readonly<Record<string, string>> }) {
  const isPast = query.show === 'past'
  const tab = (name: string, show?: string) => (
    <a
      href={hrefOf('alarms', undefined, { show })}
      aria-current={isPast === (show === 'past') ? 'page' : undefined}
    >
      {name}
    </a>
  )
  return (
    <>
      <PageHead title="Alarms">
        <nav class="segments" aria-label="Which alarms">
          {tab('Standing')}
          {tab('Past', 'past')}
        </nav>
        {/* Told here once for all rows. */}
        <Permitted needs="operate" action="Acting on alarms" />
      </PageHead>
      {isPast ? <Past /> : <Standing severity={query.severity} />}
    </>
  )
}

function Standing({ severity }: { severity: string | undefined }) {
  const { api, announce } = useConsole()
  const [openId, setOpenId] = useState<string | undefined>(undefined)
  const [failure, setFailure] = useState<Error | undefined>(undefined)
  const alarms = useLoaded(
    (signal) => api.get<Page<Alarm>>('alarms', { severity, limit: alarmsMax }, signal),
    [severity],
    everyMs,
  )
  useEvents(alarms.reload)
  const changed = (alarm: Alarm) => {
    alarms.replace((page) => ({
      ...page,
      items: page.items.map((one) => (one.id === alarm.id ? alarm : one)),
    }))
    alarms.reload()
  }
  const acknowledge = async (alarm: Alarm) => {
    try {
      changed(await api.post<Alarm>(`alarms/${alarm.id}:ack`))
      setFailure(undefined)
      announce(`Acknowledged: ${alarm.message}`)
    } catch (error) {
      setFailure(error as Error)
    }
  }
  const now = Date.now()
  return (
    <>
      <search class="filters">
        <label>
          Severity
          <select
            value={severity ?? ''}
            onChange={(event) =>
              replaceRoute(hrefOf('alarms', undefined, { severity: event.currentTarget.value }))
            }
          >
            <option value="">all</option>
            {severities.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      </search>
      {failure !== undefined && <ErrorNote error={failure} />}
      <Shown of={alarms}>
        {({ items, nextCursor }) => (
          <>
            <p class="result">
              {plural(items.length, 'alarm')}
              {nextCursor !== null && ' shown; there are more'}
            </p>
            {items.length === 0 ? (
              <Empty title="Nothing is wrong">
                <p>No alarm is up or waits for its acknowledgement. New ones appear here by themselves.</p>
              </Empty>
            ) : (
              <StandingTable
                alarms={inOrder(items)}
                now={now}
                onAcknowledge={acknowledge}
                onOpen={(alarm) => setOpenId(alarm.id)}
              />
            )}
            <OpenAlarm
              alarm={items.find(({ id }) => id === openId)}
              onChanged={changed}
              onClose={() => setOpenId(undefined)}
            />
          </>
        )}
      </Shown>
    </>
  )
}

function OpenAlarm({
  alarm,
  onChanged,
  onClose,
}: {
  alarm: Alarm | undefined
  onChanged: (alarm: Alarm) => void
  onClose: () => void
}) {
  return alarm === undefined ? null : <AlarmDialog alarm={alarm} onChanged={onChanged} onClose={onClose} />
}

function StandingTable({
  alarms,
  now,
  onAcknowledge,
  onOpen,
}: {
  alarms: readonly Alarm[]
  now: number
  onAcknowledge: (alarm: Alarm) => void
  onOpen: (alarm: Alarm) => void
}) {
  return (
    <table class="rows alarm-rows">
      <thead>
        <tr>
          <th scope="col">Severity</th>
          <th scope="col">Device</th>
          <th scope="col">What</th>
          <th scope="col" class="number">
            Value
          </th>
          <th scope="col">Since</th>
          <th scope="col">State</th>
          <th scope="col">
            <span class="only-read">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {alarms.map((alarm) => (
          <tr key={alarm.id} class={alarm.acknowledged ? 'seen' : undefined}>
            <td class="cell-severity">
              <SeverityBadge severity={alarm.severity} />
            </td>
            <th scope="row" class="cell-device">
              <DeviceLink id={alarm.device} />
            </th>
            <td class="message cell-message">{alarm.message}</td>
            <td class="number cell-value" data-label="value">
              {value(alarm.value)}
            </td>
            <td class="cell-since" title={time(alarm.since, now)}>
              {age(alarm.since, now)}
            </td>
            <td class="cell-state">
              <AlarmState alarm={alarm} now={now} />
            </td>
            <td class="actions">
              {!alarm.acknowledged && (
                <Permitted needs="operate">
                  <button
                    type="button"
                    onClick={() => onAcknowledge(alarm)}
                    aria-label={`Acknowledge: ${alarm.message}`}
                  >
                    Acknowledge
                  </button>
                </Permitted>
              )}
              <button
                type="button"
                class="quiet"
                onClick={() => onOpen(alarm)}
                aria-label={`More: ${alarm.message}`}
              >
                More
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function AlarmState({ alarm, now }: { alarm: Alarm; now: number }) {
  if (alarm.shelvedUntil !== null)
    return <Status tone="off">{`shelved until ${time(alarm.shelvedUntil, now)}`}</Status>
  if (alarm.condition === 'normal') return <Status tone="off">over, not acknowledged</Status>
  const word = alarm.condition === 'recovering' ? 'recovering' : 'up'
  return (
    <Status tone={alarm.acknowledged ? 'warn' : 'bad'}>
      {alarm.acknowledged ? `${word}, acknowledged` : word}
    </Status>
  )
}

/** What nobody has seen first, then the worst, then the newest. */
function inOrder(alarms: readonly Alarm[]): readonly Alarm[] {
  const weight = ({ acknowledged, shelvedUntil, severity }: Alarm) =>
    (shelvedUntil === null ? 0 : 100) + (acknowledged ? 10 : 0) + severities.indexOf(severity)
  return [...alarms].sort((a, b) => weight(a) - weight(b) || (a.since < b.since ? 1 : -1))
}

/** Newest first, a page at a time. */
function Past() {
  const { api } = useConsole()
  const cursors = useCursors()
  const { cursor } = cursors
  const past = useLoaded(
    (signal) => api.get<Page<Episode>>('alarm-history', { limit: pastItems, cursor }, signal),
    [cursor],
  )
  useEvents(() => {
    if (cursor === undefined) past.reload()
  })
  const now = Date.now()
  return (
    <Shown of={past}>
      {({ items, nextCursor }) =>
        items.length === 0 && cursor === undefined ? (
          <Empty title="No alarm has ended yet" />
        ) : (
          <>
            <table class="rows past-rows">
              <thead>
                <tr>
                  <th scope="col">Severity</th>
                  <th scope="col">Device</th>
                  <th scope="col">What</th>
                  <th scope="col">Since</th>
                  <th scope="col">Lasted</th>
                  <th scope="col">Acknowledged</th>
                </tr>
              </thead>
              <tbody>
                {items.map((episode) => (
                  <tr key={`${episode.alarm} ${episode.raisedAt}`}>
                    <td class="cell-severity">
                      <SeverityBadge severity={episode.severity} />
                    </td>
                    <th scope="row" class="cell-device">
                      <DeviceLink id={episode.device} />
                    </th>
                    <td class="message cell-message">
                      {episode.message}
                      {episode.reason !== undefined && <span class="faint"> · {episode.reason}</span>}
                    </td>
                    <td class="cell-since">{time(episode.since, now)}</td>
                    <td class="cell-state" data-label="lasted">
                      {duration(episode.durationMs)}
                    </td>
                    <td class="cell-value" data-label="acknowledged">
                      {episode.acknowledgedBy ?? 'no'}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            <Pager label="Pages of past alarms" cursors={cursors} nextCursor={nextCursor} />
          </>
        )
      }
    </Shown>
  )
}
