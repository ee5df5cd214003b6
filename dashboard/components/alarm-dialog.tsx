import { useState } from 'preact/hooks'
import type { Alarm } from '../api/types.ts'
import { age, time, value } from '../format.ts'
import { useConsole } from '../state/console.ts'
import { Dialog } from './dialog.tsx'
import { Field } from './field.tsx'
import { SeverityBadge } from './icons.tsx'
import { ErrorNote } from './notes.tsx'
import { Permitted } from './permitted.tsx'
import { DeviceLink, RuleLink } from './subject-links.tsx'

const hourMs = 3_600_000
const shelvings = [
  { label: '1 hour', ms: hourMs },
  { label: '8 hours', ms: 8 * hourMs },
  { label: '1 day', ms: 24 * hourMs },
  { label: '7 days', ms: 7 * 24 * hourMs },
] as const

/** One alarm whole, and what can be done with it. */
export function AlarmDialog({
  alarm,
  onChanged,
  onClose,
}: {
  alarm: Alarm
  onChanged: (alarm: Alarm) => void
  onClose: () => void
}) {
  const { api, announce } = useConsole()
  const [text, setText] = useState('')
  const [error, setError] = useState<Error | undefined>(undefined)
  const act = async (verb: string, body: unknown, said: string) => {
    try {
      onChanged(await api.post<Alarm>(`alarms/${alarm.id}:${verb}`, body))
      setError(undefined)
      announce(said)
      return true
    } catch (failure) {
      setError(failure as Error)
      return false
    }
  }
  const shelve = (ms: number) =>
    act('shelve', { until: new Date(Date.now() + ms).toISOString() }, 'The alarm is shelved')
  const comment = async (event: Event) => {
    event.preventDefault()
    if (text.trim() !== '' && (await act('comment', { text: text.trim() }, 'The comment is kept')))
      setText('')
  }
  const now = Date.now()
  return (
    <Dialog title={alarm.message} onClose={onClose}>
      {error !== undefined && <ErrorNote error={error} />}
      <dl class="facts">
        <dt>Severity</dt>
        <dd>
          <SeverityBadge severity={alarm.severity} />
        </dd>
        <dt>Device</dt>
        <dd>
          <DeviceLink id={alarm.device} />
        </dd>
        <dt>Rule</dt>
        <dd>
          <RuleLink id={alarm.rule} />
        </dd>
        <dt>Since</dt>
        <dd>
          {time(alarm.since, now)} <span class="faint">{age(alarm.since, now)}</span>
        </dd>
        <dt>Value</dt>
        <dd>
          {value(alarm.value)} <span class="faint">limit {value(alarm.threshold)}</span>
        </dd>
        <dt>Acknowledged</dt>
        <dd>{alarm.acknowledged ? `by ${alarm.acknowledgedBy ?? 'somebody'}` : 'no'}</dd>
      </dl>
      <Permitted needs="operate" action="Acting on alarms">
        <div class="button-row">
          {!alarm.acknowledged && (
            <button
              type="button"
              class="primary"
              onClick={() => act('ack', undefined, 'The alarm is acknowledged')}
            >
              Acknowledge
            </button>
          )}
          {alarm.condition !== 'normal' && (
            <button type="button" onClick={() => act('clear', undefined, 'The alarm is being cleared')}>
              Clear
            </button>
          )}
        </div>
        <h3>{alarm.shelvedUntil === null ? 'Shelve' : `Shelved until ${time(alarm.shelvedUntil, now)}`}</h3>
        <div class="button-row">
          {shelvings.map(({ label, ms }) => (
            <button key={label} type="button" onClick={() => shelve(ms)}>
              {label}
            </button>
          ))}
          {alarm.shelvedUntil !== null && (
            <button
              type="button"
              onClick={() => act('shelve', { until: null }, 'The alarm is no longer shelved')}
            >
              No longer
            </button>
          )}
        </div>
      </Permitted>
      <h3>Comments</h3>
      <ul class="comments">
        {alarm.comments.map(({ text: said, by, at }) => (
          <li key={`${at} ${said}`}>
            <p>{said}</p>
            <p class="faint">
              {by}, {time(at, now)}
            </p>
          </li>
        ))}
      </ul>
      <Permitted needs="operate">
        <form onSubmit={comment}>
          <Field label="New comment">
            {(attributes) => (
              <textarea
                {...attributes}
                rows={2}
                maxLength={1000}
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
              />
            )}
          </Field>
          <p class="form-end">
            <button type="submit">Comment</button>
          </p>
        </form>
      </Permitted>
    </Dialog>
  )
}
