import { readFileSync } from 'node:fs'

export interface Usage {
  readonly cpuSeconds: number
  /** Peak of RssAnon, MiB: memory of its own, without the log's mapped pages. */
  readonly anonymousMibMax: number
}

const clockTicksPerSecond = 100
const sampleMs = 100

/** Watches a process through /proc (proc(5)) from now until `end`. */
export function watchProcess(pid: number): { end(): Usage } {
  const before = cpuSecondsOf(pid)
  let peakKib = 0
  const sample = () => {
    peakKib = Math.max(peakKib, anonymousKibOf(pid))
  }
  sample()
  const timer = setInterval(sample, sampleMs)
  return {
    end: () => {
      clearInterval(timer)
      sample()
      return {
        cpuSeconds: Math.round((cpuSecondsOf(pid) - before) * 100) / 100,
        anonymousMibMax: Math.round(peakKib / 1024),
      }
    },
  }
}

/** User and system time: fields 14 and 15 of /proc/<pid>/stat. */
function cpuSecondsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond
}

function anonymousKibOf(pid: number): number {
  return Number(/^RssAnon:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
