import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** How `npm start`, the unit of systemd and the image run the platform: memory depends on it. */
const script = readFileSync(join(import.meta.dirname, '../../scripts/start.sh'), 'utf8')
const [, nodeFlags, program] = /^exec node (.*) (\S+) start/m.exec(script) ?? []
const [, variables] = /^export (MALLOC_.*)$/m.exec(script) ?? []
if (nodeFlags === undefined || program === undefined || variables === undefined)
  throw new Error('scripts/start.sh no longer says how the platform is run')

/** `dist/bin/tidemark.js`: the bundle; the modules that a broken build changes are beside it. */
export const startProgram: string = program
/** Of Node, such as `--v8-pool-size=1`. */
export const startNodeFlags: readonly string[] = nodeFlags.split(' ')
/** Of glibc's malloc, such as `MALLOC_ARENA_MAX` by its value. */
export const startVariables: Readonly<Record<string, string>> = Object.fromEntries(
  variables.split(' ').map((pair) => pair.split('=', 2) as [string, string]),
)
