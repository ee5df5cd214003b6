import { useRef } from 'preact/hooks'
import type { FieldProblem } from '../api/types.ts'
import { lineOf, placeOfPointer } from '../json-place.ts'
import { Field } from './field.tsx'

const rowsMin = 12

/** A rule as JSON. Each problem names its line and leads there. */
export function RuleJson({
  text,
  errors,
  onChange,
}: {
  text: string
  errors: readonly FieldProblem[]
  onChange: (text: string) => void
}) {
  const area = useRef<HTMLTextAreaElement>(null)
  const goTo = (place: number) => {
    area.current?.focus()
    const end = text.indexOf('\n', place)
    area.current?.setSelectionRange(place, end === -1 ? text.length : end)
  }
  return (
    <>
      <Field label="Rule as JSON" hint="All kinds are described in docs/RULES.md">
        {(attributes) => (
          <textarea
            {...attributes}
            ref={area}
            class="code"
            name="json"
            spellcheck={false}
            aria-invalid={errors.length > 0}
            rows={Math.max(rowsMin, text.split('\n').length)}
            value={text}
            onInput={(event) => onChange(event.currentTarget.value)}
          />
        )}
      </Field>
      {errors.length > 0 && (
        <ul class="json-errors" role="alert">
          {errors.map(({ pointer, detail }) => {
            const place = placeOfPointer(text, pointer)
            return (
              <li key={`${pointer} ${detail}`}>
                <button type="button" class="link" onClick={() => goTo(place)}>
                  line {lineOf(text, place)}
                </button>{' '}
                <code>{pointer || '/'}</code> {detail}
              </li>
            )
          })}
        </ul>
      )}
    </>
  )
}
