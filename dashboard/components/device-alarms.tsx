import type { Alarm, Episode } from '../api/types.ts'
import { age, duration, time, value } from '../format.ts'
import { hrefOf } from '../route.ts'
import { SeverityBadge, Status } from './icons.tsx'
import { Empty } from './notes.tsx'

/** The alarms of one device: those that stand, then those that have ended, newest first. */
export function DeviceAlarms({ standing, past }: { standing: readonly Alarm[]; past: readonly Episode[] }) {
  const now = Date.now()
  // What is over and not acknowledged is among both.
  const ended = past.filter(
    ({ alarm, raisedAt }) => !standing.some((one) => one.id === alarm && one.raisedAt === raisedAt),
  )
  if (standing.length === 0 && past.length === 0)
    return (
      <Empty title="No alarm so far">
        <p>
          What raises one is in the <a href={hrefOf('rules')}>rules</a>.
        </p>
      </Empty>
    )
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Severity</th>
          <th scope="col">What</th>
          <th scope="col" class="number">
            Value
          </th>
          <th scope="col">Since</th>
          <th scope="col">Lasted</th>
        </tr>
      </thead>
      <tbody>
        {standing.map((alarm) => (
          <tr key={alarm.id}>
            <td>
              <SeverityBadge severity={alarm.severity} />
            </td>
            <th scope="row" class="message">
              {alarm.message}
            </th>
            <td class="number">{value(alarm.value)}</td>
            <td>{time(alarm.since, now)}</td>
            <td>
              <Status tone={alarm.condition === 'normal' ? 'off' : 'bad'}>
                {alarm.condition === 'normal' ? 'over, not acknowledged' : `up, ${age(alarm.since, now)}`}
              </Status>
            </td>
          </tr>
        ))}
        {ended.map((episode) => (
          <tr key={`${episode.alarm} ${episode.raisedAt}`}>
            <td>
              <SeverityBadge severity={episode.severity} />
            </td>
            <th scope="row" class="message">
              {episode.message}
            </th>
            <td class="number">{value(episode.value)}</td>
            <td>{time(episode.since, now)}</td>
            <td>{duration(episode.durationMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
