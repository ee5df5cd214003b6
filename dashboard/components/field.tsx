import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

/** A label, its control and what is wrong with it; the control gets the attributes that tie them together. */
export function Field({
  label,
  hint,
  error,
  children,
}: {
  label: string
  hint?: string | undefined
  error?: string | undefined
  children: (attributes: {
    id: string
    'aria-describedby': string
    'aria-invalid': boolean
  }) => ComponentChildren
}) {
  const id = useId()
  const note = `${id}-note`
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': note, 'aria-invalid': error !== undefined })}
      <p
        id={note}
        class={error === undefined ? 'hint' : 'field-error'}
        role={error === undefined ? undefined : 'alert'}
      >
        {error ?? hint}
      </p>
    </div>
  )
}

/** What `errors` say of one pointer or of what lies below it. */
export function errorAt(
  errors: readonly { readonly pointer: string; readonly detail: string }[],
  pointer: string,
): string | undefined {
  return errors.find((one) => one.pointer === pointer || one.pointer.startsWith(`${pointer}/`))?.detail
}
