import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BenchReport } from '../simulators/bench.ts'
import type { Subject } from './subjects.ts'

const generator = join(import.meta.dirname, '../cli/main.js')
const run = promisify(execFile)

/** The load: how many connections, and how many messages each may have unacknowledged. */
export interface Load {
  readonly devices: number
  readonly inFlight: number
}

/** Runs `tidemark simulate bench` against a subject, in a process of its own. */
export async function generate(
  subject: Subject,
  limits: readonly string[],
  { devices, inFlight }: Load = { devices: 50, inFlight: 50 },
): Promise<{ report: BenchReport; endedAt: number }> {
  const load = ['--devices', String(devices), '--in-flight', String(inFlight), '--json']
  const target = ['--url', subject.url, ...subject.generatorFlags]
  const { stdout } = await run(process.execPath, [
    generator,
    'simulate',
    'bench',
    ...target,
    ...load,
    ...limits,
  ])
  return { report: JSON.parse(stdout) as BenchReport, endedAt: Date.now() }
}
