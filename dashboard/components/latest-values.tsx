import type { LatestValue } from '../api/types.ts'
import { age, value } from '../format.ts'

/** The newest value of each metric, with its unit and age; choosing one draws it. */
export function LatestValues({
  values,
  chosen,
  onChoose,
}: {
  values: Readonly<Record<string, LatestValue>>
  chosen: string | undefined
  onChoose: (metric: string) => void
}) {
  const now = Date.now()
  return (
    <table class="plain values">
      <thead>
        <tr>
          <th scope="col">Metric</th>
          <th scope="col" class="number">
            Value
          </th>
          <th scope="col" class="number">
            Age
          </th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(values).map(([metric, latest]) => (
          <tr key={metric} class={metric === chosen ? 'chosen' : undefined}>
            <th scope="row">
              <button
                type="button"
                class="link"
                aria-pressed={metric === chosen}
                onClick={() => onChoose(metric)}
              >
                {metric}
              </button>
            </th>
            <td class="number">
              <strong>{value(latest.value)}</strong> <span class="unit">{latest.unit}</span>
            </td>
            <td class="number faint">{age(latest.time, now)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
