import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BenchReport } from '../simulators/bench.ts'
import { type Usage, watchProcess } from './process-usage.ts'
import type { Subject } from './subjects.ts'

const generator = join(import.meta.dirname, '../bin/tidemark.js')
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
): Promise<{ report: BenchReport; usage: Usage }> {
  const load = ['--devices', String(devices), '--in-flight', String(inFlight), '--json']
  const target = ['--url', subject.url, ...subject.generatorFlags]
  const running = run(process.execPath, [generator, 'simulate', 'bench', ...target, ...load, ...limits])
  const watched = watchProcess(running.child.pid ?? 0)
  const { stdout } = await running
  const report = JSON.parse(stdout) as BenchReport
  // Its CPU time as it counted it itself: the process is gone, and its start and end are not part of the load.
  const usage = { ...watched.end(), cpuSeconds: Math.round(report.cpuSeconds * 100) / 100 }
  return { report, usage }
}
