import { useState } from 'preact/hooks'
import type { DeadLetter, Page, Replayed } from '../api/types.ts'
import { Empty, ErrorNote, Shown } from '../components/notes.tsx'
import { PageHead } from '../components/page-head.tsx'
import { Pager, useCursors } from '../components/pager.tsx'
import { Permitted } from '../components/permitted.tsx'
import { age, plural, time } from '../format.ts'
import { hrefOf } from '../route.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { replaceRoute } from '../state/use-route.ts'

const itemsMax = 100
const everyMs = 2_000

/** What each reason means, in a word for people. The codes are those of the API. */
const reasons: Readonly<Record<string, string>> = {
  'payload.not_json': 'not JSON',
  'payload.too_large': 'too large',
  'payload.too_deep': 'nested too deep',
  'payload.wrong_shape': 'of another shape',
  'metric.bad_name': 'a metric has a name that cannot be',
  'value.not_finite': 'a number that is none',
  'value.wrong_type': 'a value of another type than the metric has',
  'value.out_of_range': 'a value outside its range',
  'ts.invalid': 'a time that cannot be',
  'device.unknown_type': 'the device has a type without a profile',
  'store.rejected': 'the database refused it',
}

/** Messages that were acknowledged and could not be stored: why, and the message itself. Newest first. */
export function Rejected({ query }: { query: Readonly<Record<string, string>> }) {
  const { api, announce } = useConsole()
  const { reason, device } = query
  const cursors = useCursors()
  const { cursor } = cursors
  const [failure, setFailure] = useState<Error | undefined>(undefined)
  const letters = useLoaded(
    (signal) =>
      api.get<Page<DeadLetter>>(
        'dead-letters',
        { reason, device, cursor, order: 'newest', limit: itemsMax },
        signal,
      ),
    [reason, device, cursor],
    cursor === undefined ? everyMs : undefined,
  )
  const set = (changed: Readonly<Record<string, string>>) => {
    cursors.toFirst()
    replaceRoute(hrefOf('rejected', undefined, { ...query, ...changed }))
  }
  const replay = async (body: unknown) => {
    try {
      const { replayed, failed } = await api.post<Replayed>('dead-letters:replay', body)
      setFailure(
        failed[0] === undefined
          ? undefined
          : new Error(`${plural(failed.length, 'message')} not replayed: ${failed[0].reason}`),
      )
      announce(`${plural(replayed, 'message')} replayed`)
      letters.reload()
    } catch (error) {
      setFailure(error as Error)
    }
  }
  return (
    <>
      <PageHead title="Rejected">
        <Permitted needs="operate" action="A replay">
          {reason !== undefined && (
            <button type="button" onClick={() => replay({ reason })}>
              Replay all of this reason
            </button>
          )}
        </Permitted>
      </PageHead>
      <search class="filters">
        <label>
          Reason
          <select value={reason ?? ''} onChange={(event) => set({ reason: event.currentTarget.value })}>
            <option value="">all reasons</option>
            {Object.keys(reasons).map((code) => (
              <option key={code} value={code}>
                {code}
              </option>
            ))}
          </select>
        </label>
        <label>
          Device
          <input
            type="search"
            value={device ?? ''}
            onChange={(event) => set({ device: event.currentTarget.value.trim() })}
          />
        </label>
      </search>
      {failure !== undefined && <ErrorNote error={failure} />}
      <Shown of={letters}>
        {({ items, nextCursor }) =>
          items.length === 0 && nextCursor === null && cursor === undefined ? (
            <Empty title="Nothing was rejected">
              <p>A message that cannot be stored comes here whole, with the reason, and can be replayed.</p>
            </Empty>
          ) : (
            <>
              <ul class="letters">
                {items.map((letter) => (
                  <Letter key={letter.id} letter={letter} onReplay={() => replay({ ids: [letter.id] })} />
                ))}
              </ul>
              <Pager label="Pages of rejected messages" cursors={cursors} nextCursor={nextCursor} />
            </>
          )
        }
      </Shown>
    </>
  )
}

function Letter({ letter, onReplay }: { letter: DeadLetter; onReplay: () => void }) {
  const now = Date.now()
  const { reason, detail, device, topic, receivedAt, payload, encoding } = letter
  return (
    <li class="letter card">
      <div class="letter-head">
        <code class="reason">{reason}</code>
        <span>{reasons[reason]}</span>
        <span class="faint" title={time(receivedAt, now)}>
          {age(receivedAt, now)}
        </span>
        <Permitted needs="operate">
          <button type="button" onClick={onReplay} aria-label={`Replay the message of ${device}`}>
            Replay
          </button>
        </Permitted>
      </div>
      <p>
        <a href={hrefOf('devices', device)}>{device}</a> <span class="faint">on {topic}</span>
      </p>
      <p class="message">{detail}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long payload scrolls, and by keyboard too */}
      <pre tabIndex={0}>{payload}</pre>
      {encoding === 'base64' && <p class="hint">Not UTF-8: shown as base64.</p>}
    </li>
  )
}
