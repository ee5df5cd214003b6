import { diskSpace } from '../lib/disk-space.ts'
import { consumers, type Log, waitingBytes } from '../log/log.ts'
import type { PlatformFigure } from './platform-alarms.ts'

export interface PlatformLimits {
  readonly dataDir: string
  readonly diskFreeBytesMin: number
  readonly logBytesMax: number
  /** Events that a webhook may be behind before its oldest are given up. */
  readonly webhookBacklogMax: number
}

/** How near to a bound is too near. */
const nearBound = 0.8
const mib = 1024 * 1024

/** The figures of the platform that raise an alarm of its own. One more is one more row. */
export function platformFigures(
  log: Pick<Log, 'stats' | 'end' | 'offset'>,
  { dataDir, diskFreeBytesMin, logBytesMax, webhookBacklogMax }: PlatformLimits,
): PlatformFigure[] {
  return [
    {
      name: 'disk-free',
      code: 'TIDEMARK_DISK_LOW',
      severity: 'critical',
      value: () => diskSpace(dataDir)?.freeBytes,
      limit: diskFreeBytesMin,
      bad: 'below',
      message: (value, limit) =>
        `the disk of the data directory has ${inMib(value)} free, less than ${inMib(limit)}`,
    },
    {
      name: 'log-bytes',
      code: 'TIDEMARK_LOG_NEAR_LIMIT',
      severity: 'critical',
      value: () => waitingBytes(log.stats().streams),
      limit: nearBound * logBytesMax,
      bad: 'above',
      message: (value) => `the log holds ${inMib(value)} of at most ${inMib(logBytesMax)}`,
    },
    {
      name: 'webhook-backlog',
      code: 'TIDEMARK_WEBHOOKS_BEHIND',
      severity: 'major',
      value: () => log.end('events') - log.offset(consumers.webhooks),
      limit: nearBound * webhookBacklogMax,
      bad: 'above',
      message: (value) =>
        `a webhook is ${value} events behind; at ${webhookBacklogMax} its oldest are given up`,
    },
  ]
}

function inMib(bytes: number): string {
  return `${Math.floor(bytes / mib)} MiB`
}
