import { counters } from '../../log/log.ts'
import { startApi } from '../http/api.ts'

type Labels = ReadonlySet<string>

/** What `/metrics` of a running server offers: families as it declares them, and the samples of each, with the labels that they have. */
export async function liveMetrics(): Promise<{
  readonly families: ReadonlyMap<string, Labels>
  readonly samples: ReadonlyMap<string, Labels>
}> {
  const api = await startApi()
  // Without one, these have no sample, and so no labels.
  await api.log.transaction((tx) => {
    tx.count(counters.events('maintenance', 'major', 'raised'), 1)
    tx.count(counters.deadLettered('value.wrong_type'), 1)
  })
  const families = new Map<string, Set<string>>()
  const samples = new Map<string, Set<string>>()
  let family = new Set<string>()
  for (const line of (await api.get('/metrics')).text.split('\n')) {
    const declared = /^# HELP (\w+)/.exec(line)?.[1]
    if (declared !== undefined) {
      family = new Set()
      families.set(declared, family)
    }
    const [, name, list = ''] = /^(\w+)(?:\{([^}]*)\})?/.exec(line) ?? []
    if (name === undefined) continue
    const labels = [...list.matchAll(/(\w+)=/g)].map(([, label]) => label!)
    samples.set(name, new Set([...(samples.get(name) ?? []), ...labels]))
    // `le` is the histogram's own.
    for (const label of labels) if (label !== 'le') family.add(label)
  }
  return { families, samples }
}
