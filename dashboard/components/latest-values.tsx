import type { LatestValue } from '../api/types.ts'
import { value } from '../format.ts'
import { ValueTable } from './value-table.tsx'

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
  const rows = Object.entries(values).map(([metric, latest]) => ({
    key: metric,
    name: (
      <button type="button" class="link" aria-pressed={metric === chosen} onClick={() => onChoose(metric)}>
        {metric}
      </button>
    ),
    value: value(latest.value),
    unit: latest.unit,
    time: latest.time,
    isChosen: metric === chosen,
  }))
  return <ValueTable of="Metric" kind="values" rows={rows} />
}
