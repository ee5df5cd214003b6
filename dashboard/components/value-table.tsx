import type { ComponentChildren } from 'preact'
import { age } from '../format.ts'

export interface ValueRow {
  readonly key: string
  /** Of what the value is. */
  readonly name: ComponentChildren
  readonly value: string
  readonly unit: string | null
  readonly time: string
  readonly isChosen?: boolean
}

/** Values with their units and ages; `of` heads the first column. */
export function ValueTable({ of, kind, rows }: { of: string; kind: string; rows: readonly ValueRow[] }) {
  const now = Date.now()
  return (
    <table class={`plain ${kind}`}>
      <thead>
        <tr>
          <th scope="col">{of}</th>
          <th scope="col" class="number">
            Value
          </th>
          <th scope="col" class="number">
            Age
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, name, value, unit, time, isChosen }) => (
          <tr key={key} class={isChosen ? 'chosen' : undefined}>
            <th scope="row">{name}</th>
            <td class="number">
              <strong>{value}</strong> <span class="unit">{unit}</span>
            </td>
            <td class="number faint">{age(time, now)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
