import { useState } from 'preact/hooks'
import type { Page, Rule } from '../api/types.ts'
import { Dialog } from '../components/dialog.tsx'
import { Difference } from '../components/difference.tsx'
import { Status } from '../components/icons.tsx'
import { ErrorNote, Shown } from '../components/notes.tsx'
import { PageHead } from '../components/page-head.tsx'
import { Permitted } from '../components/permitted.tsx'
import { RuleEditor } from '../components/rule-editor.tsx'
import { time } from '../format.ts'
import { hrefOf } from '../route.ts'
import { draftOf } from '../rule-draft.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { Crumb } from './rules.tsx'

const versionsMax = 50

/** One rule: switched on and off, edited, tried on the past; its versions. */
export function RulePage({ id }: { id: string }) {
  const { api } = useConsole()
  const path = `rules/${encodeURIComponent(id)}`
  const rule = useLoaded((signal) => api.get<Rule>(path, {}, signal), [])
  return (
    <>
      <Crumb />
      <Shown of={rule}>
        {(stored) => (
          <>
            <Head rule={stored} path={path} onChanged={(changed) => rule.replace(() => changed)} />
            <RuleEditor
              stored={stored}
              draft={draftOf(stored)}
              onSaved={(saved) => rule.replace(() => saved)}
            />
            <Versions path={path} version={stored.version} />
          </>
        )}
      </Shown>
    </>
  )
}

function Head({ rule, path, onChanged }: { rule: Rule; path: string; onChanged: (rule: Rule) => void }) {
  const { api, announce } = useConsole()
  const [isDeleting, setDeleting] = useState(false)
  const [error, setError] = useState<Error | undefined>(undefined)
  const attempt = (work: Promise<void>) => work.then(() => setError(undefined), setError)
  const toggle = async () => {
    const verb = rule.enabled ? 'disable' : 'enable'
    onChanged(await api.post<Rule>(`${path}:${verb}`))
    announce(`The rule is ${verb}d`)
  }
  const remove = async () => {
    await api.request('DELETE', path, { ifMatch: `"${rule.version}"` })
    announce('The rule is deleted')
    location.hash = hrefOf('rules')
  }
  return (
    <>
      <PageHead title={rule.name}>
        <Permitted needs="admin" action="Changing a rule">
          <button type="button" onClick={() => attempt(toggle())}>
            {rule.enabled ? 'Disable' : 'Enable'}
          </button>
          <button type="button" class="danger" onClick={() => setDeleting(true)}>
            Delete
          </button>
        </Permitted>
      </PageHead>
      <p class="device-facts">
        <Status tone={rule.enabled ? 'ok' : 'off'}>{rule.enabled ? 'enabled' : 'disabled'}</Status>
        <span>{rule.id}</span>
        <span class="faint">version {rule.version}</span>
        <span class="faint">
          {time(rule.updatedAt, Date.now())}
          {rule.updatedBy !== undefined && ` by ${rule.updatedBy}`}
        </span>
      </p>
      {error !== undefined && <ErrorNote error={error} />}
      {isDeleting && (
        <Dialog title={`Delete ${rule.name}?`} onClose={() => setDeleting(false)}>
          <p>Its alarms are cleared.</p>
          <p class="form-end">
            <button type="button" onClick={() => setDeleting(false)}>
              Keep it
            </button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                setDeleting(false)
                void attempt(remove())
              }}
            >
              Delete
            </button>
          </p>
        </Dialog>
      )}
    </>
  )
}

/** What each version changed, newest first. */
function Versions({ path, version }: { path: string; version: number }) {
  const { api } = useConsole()
  const versions = useLoaded(
    (signal) => api.get<Page<Rule>>(`${path}/versions`, { limit: versionsMax }, signal),
    [version],
  )
  const now = Date.now()
  return (
    <section class="card" aria-labelledby="versions">
      <h2 id="versions">Versions</h2>
      <Shown of={versions}>
        {({ items }) => (
          <ul class="versions">
            {items.map((rule, i) => (
              <li key={rule.version}>
                <details>
                  <summary>
                    Version {rule.version}{' '}
                    <span class="faint">
                      {time(rule.updatedAt, now)}
                      {rule.updatedBy !== undefined && ` by ${rule.updatedBy}`}
                    </span>
                  </summary>
                  <Difference before={items[i + 1]} after={rule} />
                </details>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </section>
  )
}
