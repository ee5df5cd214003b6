import { useState } from 'preact/hooks'
import { allPages } from '../api/all-pages.ts'
import type { Alarm, Page, Rule, RulePack } from '../api/types.ts'
import { Dialog } from '../components/dialog.tsx'
import { SeverityBadge, Status } from '../components/icons.tsx'
import { Empty, ErrorNote, Shown } from '../components/notes.tsx'
import { PageHead } from '../components/page-head.tsx'
import { Permitted } from '../components/permitted.tsx'
import { RuleEditor } from '../components/rule-editor.tsx'
import { count, plural } from '../format.ts'
import { hrefOf } from '../route.ts'
import { newDraft } from '../rule-draft.ts'
import { useConsole, useEvents } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'

const rulesMax = 5_000
const alarmsMax = 1_000

/** All rules, how many alarms each has up, and packs of rules to install. */
export function Rules({ query }: { query: Readonly<Record<string, string>> }) {
  const { api } = useConsole()
  const [isChoosing, setChoosing] = useState(false)
  const rules = useLoaded((signal) => allPages<Rule>(api, 'rules', {}, rulesMax, signal), [])
  const alarms = useLoaded(
    (signal) => api.get<Page<Alarm>>('alarms', { state: 'active', limit: alarmsMax }, signal),
    [],
  )
  useEvents(alarms.reload)
  if (query.new !== undefined)
    return (
      <>
        <Crumb />
        <PageHead title="New rule" />
        <RuleEditor stored={undefined} draft={newDraft} />
      </>
    )
  const standing = new Map<string, number>()
  for (const { rule } of alarms.value?.items ?? []) standing.set(rule, (standing.get(rule) ?? 0) + 1)
  return (
    <>
      <PageHead title="Rules">
        <Permitted needs="admin" action="Making rules">
          <button type="button" onClick={() => setChoosing(true)}>
            Install a pack
          </button>
          <a class="button primary" href={hrefOf('rules', undefined, { new: '1' })}>
            New rule
          </a>
        </Permitted>
      </PageHead>
      <Shown of={rules}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="There are no rules yet">
              <p>Install a pack for the devices you have, or write one.</p>
            </Empty>
          ) : (
            <RuleTable rules={items} standing={standing} />
          )
        }
      </Shown>
      {isChoosing && (
        <Packs
          onClose={() => {
            setChoosing(false)
            rules.reload()
          }}
        />
      )}
    </>
  )
}

export function Crumb() {
  return (
    <p class="crumbs">
      <a href={hrefOf('rules')}>Rules</a>
    </p>
  )
}

function RuleTable({ rules, standing }: { rules: readonly Rule[]; standing: ReadonlyMap<string, number> }) {
  return (
    <>
      <p class="result">{plural(rules.length, 'rule')}</p>
      <table class="rows rule-rows">
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">Severity</th>
            <th scope="col">Kind</th>
            <th scope="col">Devices</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Alarms up
            </th>
          </tr>
        </thead>
        <tbody>
          {rules.map(({ id, name, severity, when, select, enabled }) => (
            <tr key={id}>
              <th scope="row" class="cell-device">
                <a href={hrefOf('rules', id)}>{name}</a> <span class="faint">{id}</span>
              </th>
              <td class="cell-severity">
                <SeverityBadge severity={severity} />
              </td>
              <td class="cell-kind">{when.kind}</td>
              <td class="cell-types">{select.types.join(', ') || 'all'}</td>
              <td class="cell-state">
                <Status tone={enabled ? 'ok' : 'off'}>{enabled ? 'enabled' : 'disabled'}</Status>
              </td>
              <td class="number cell-value" data-label="alarms up">
                {count(standing.get(id) ?? 0)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

interface Installed {
  readonly results?: readonly unknown[]
}

function Packs({ onClose }: { onClose: () => void }) {
  const { api, announce } = useConsole()
  const [installed, setInstalled] = useState<ReadonlySet<string>>(new Set())
  const [error, setError] = useState<Error | undefined>(undefined)
  const packs = useLoaded((signal) => api.get<Page<RulePack>>('rule-packs', {}, signal), [])
  const install = async (pack: string) => {
    try {
      await api.post<Installed>('rules:install', { pack })
      setInstalled((before) => new Set([...before, pack]))
      setError(undefined)
      announce(`The pack ${pack} is installed`)
    } catch (failure) {
      setError(failure as Error)
    }
  }
  return (
    <Dialog title="Rule packs" onClose={onClose}>
      <p class="hint">A pack is put in whole. Rules of it that you have edited stay as they are.</p>
      {error !== undefined && <ErrorNote error={error} />}
      <Shown of={packs}>
        {({ items }) => (
          <ul class="packs">
            {items.map(({ name, description, rules }) => (
              <li key={name}>
                <div>
                  <strong>{name}</strong> <span class="faint">{plural(rules.length, 'rule')}</span>
                  <p>{description}</p>
                </div>
                <button type="button" onClick={() => install(name)} aria-label={`Install ${name}`}>
                  {installed.has(name) ? 'Installed' : 'Install'}
                </button>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Dialog>
  )
}
