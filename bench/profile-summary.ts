import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/**
 * Prints where each thread of the platform spent its time, from the profiles that `npm run bench -- --profile DIR` wrote:
 * `node dist/bench/profile-summary.js DIR [functions]`. Self time, without the time that the thread slept.
 */
interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

const [dir = '.', functionsMax = '12'] = process.argv.slice(2)
const profiles = readdirSync(dir).filter((file) => file.endsWith('.cpuprofile'))
if (profiles.length === 0) {
  process.stderr.write(`no *.cpuprofile in ${dir}\n`)
  process.exit(2)
}
for (const file of profiles.sort()) {
  const selfMicros = selfTimes(JSON.parse(readFileSync(join(dir, file), 'utf8')) as Profile)
  const busyMicros = [...selfMicros.values()].reduce((sum, micros) => sum + micros, 0)
  process.stdout.write(`${file}: ${(busyMicros / 1e6).toFixed(1)} s busy\n`)
  const top = [...selfMicros].toSorted((a, b) => b[1] - a[1]).slice(0, Number(functionsMax))
  for (const [name, micros] of top)
    process.stdout.write(`  ${((micros / busyMicros) * 100).toFixed(1).padStart(5)} %  ${name}\n`)
}

function selfTimes({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${basename(url)}${url === '' ? '' : `:${lineNumber + 1}`}`.trim(),
    ]),
  )
  const micros = new Map<string, number>()
  samples.forEach((id, i) => {
    const name = names.get(id) ?? ''
    if (name !== '(idle)') micros.set(name, (micros.get(name) ?? 0) + (timeDeltas[i] ?? 0))
  })
  return micros
}
