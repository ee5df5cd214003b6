import { useEffect, useState } from 'preact/hooks'
import { ApiProblem } from '../api/api-client.ts'
import type { FieldProblem, Rule } from '../api/types.ts'
import { hrefOf } from '../route.ts'
import { type Draft, draftOf, draftText, parseDraft } from '../rule-draft.ts'
import { formOf, unseenParts, withForm } from '../rule-form.ts'
import { useConsole } from '../state/console.ts'
import { ErrorNote } from './notes.tsx'
import { Permitted } from './permitted.tsx'
import { RuleForm, unshownProblems } from './rule-form.tsx'
import { RuleJson } from './rule-json.tsx'
import { RuleTrial } from './rule-trial.tsx'

/**
 * Edits a rule by form, where a form can show it, or as JSON; both are one text. Saving sends the version that was read, so that an edit of
 * somebody else in between is told and not overwritten.
 */
export function RuleEditor({
  stored,
  draft,
  onSaved,
}: {
  stored: Rule | undefined
  draft: Draft
  onSaved?: ((rule: Rule) => void) | undefined
}) {
  const { api, announce } = useConsole()
  const [text, setText] = useState(() => draftText(draft))
  const [wantsJson, setWantsJson] = useState(false)
  const [errors, setErrors] = useState<readonly FieldProblem[]>([])
  const [failure, setFailure] = useState<Error | undefined>(undefined)
  const [theirs, setTheirs] = useState<Rule | undefined>(undefined)
  const [base, setBase] = useState(stored?.version)
  const parsed = parseDraft(text)
  // Switched on or off beside the draft: that is a version of our own, and what is written stays.
  useEffect(() => {
    if (stored === undefined || stored.version === base) return
    setBase(stored.version)
    if ('draft' in parsed) setText(draftText({ ...parsed.draft, enabled: stored.enabled }))
  }, [stored])
  const form = 'draft' in parsed ? formOf(parsed.draft) : undefined
  const isForm = form !== undefined && !wantsJson
  const edit = (next: string) => {
    setText(next)
    setErrors([])
  }

  const refused = async (error: unknown) => {
    setFailure(undefined)
    setErrors([])
    if (!(error instanceof ApiProblem)) return setFailure(error as Error)
    if (error.status === 412 && stored !== undefined)
      return setTheirs(await api.get<Rule>(`rules/${encodeURIComponent(stored.id)}`))
    setErrors(error.errors)
    if (error.errors.length === 0) setFailure(error)
  }
  const save = async (event: Event) => {
    event.preventDefault()
    if (!('draft' in parsed)) return setErrors([{ pointer: '', detail: parsed.problem }])
    try {
      if (stored === undefined) {
        const created = await api.post<Rule>('rules', parsed.draft)
        announce('The rule is kept')
        location.hash = hrefOf('rules', created.id)
        return
      }
      const path = `rules/${encodeURIComponent(stored.id)}`
      const { body } = await api.request<Rule>('PUT', path, { body: parsed.draft, ifMatch: `"${base}"` })
      setTheirs(undefined)
      setFailure(undefined)
      setErrors([])
      setBase(body.version)
      announce(`Version ${body.version} is kept`)
      onSaved?.(body)
    } catch (error) {
      await refused(error)
    }
  }

  return (
    <>
      <form class="card rule-editor" onSubmit={save} noValidate>
        <div class="segments">
          <button
            type="button"
            aria-pressed={isForm}
            disabled={form === undefined}
            onClick={() => setWantsJson(false)}
          >
            Form
          </button>
          <button type="button" aria-pressed={!isForm} onClick={() => setWantsJson(true)}>
            JSON
          </button>
        </div>
        {form === undefined && <p class="hint">This rule says more than the form can show.</p>}
        {theirs !== undefined && (
          <Stale
            theirs={theirs}
            onTake={() => {
              edit(draftText(draftOf(theirs)))
              setBase(theirs.version)
              setTheirs(undefined)
            }}
            onKeep={() => {
              setBase(theirs.version)
              setTheirs(undefined)
            }}
          />
        )}
        {failure !== undefined && <ErrorNote error={failure} />}
        {isForm && 'draft' in parsed ? (
          <>
            <Problems problems={unshownProblems(form, errors)} />
            <RuleForm
              form={form}
              errors={errors}
              isNew={stored === undefined}
              onChange={(changed) => edit(draftText(withForm(parsed.draft, changed)))}
            />
            <Unseen parts={unseenParts(parsed.draft)} />
          </>
        ) : (
          <RuleJson text={text} errors={errors} onChange={edit} />
        )}
        <p class="form-end">
          <Permitted needs="admin" action="Saving">
            <button type="submit" class="primary">
              {stored === undefined ? 'Create' : 'Save'}
            </button>
          </Permitted>
        </p>
      </form>
      {'draft' in parsed && <RuleTrial draft={parsed.draft} onProblem={refused} />}
    </>
  )
}

function Problems({ problems }: { problems: readonly FieldProblem[] }) {
  if (problems.length === 0) return null
  return <ErrorNote error={new ApiProblem(422, 'The rule is not valid', problems)} />
}

function Unseen({ parts }: { parts: readonly string[] }) {
  if (parts.length === 0) return null
  return <p class="hint">It also has {parts.join(', ')}: to be seen as JSON, and kept.</p>
}

/** Somebody else's version is there by now: nothing was overwritten, and the writer chooses. */
function Stale({ theirs, onTake, onKeep }: { theirs: Rule; onTake: () => void; onKeep: () => void }) {
  return (
    <div class="note note-warn" role="alert">
      <p>
        Not saved: {theirs.updatedBy === undefined ? 'it was' : `${theirs.updatedBy} has`} changed meanwhile,
        and is at version {theirs.version} by now. Nothing was overwritten.
      </p>
      <details>
        <summary>Show version {theirs.version}</summary>
        <pre>{draftText(draftOf(theirs))}</pre>
      </details>
      <div class="button-row">
        <button type="button" onClick={onTake}>
          Take version {theirs.version}, drop mine
        </button>
        <button type="button" onClick={onKeep}>
          Go on with mine, to replace it
        </button>
      </div>
    </div>
  )
}
