import { type Logger, type LoggerOptions, pino } from 'pino'

export type { Logger } from 'pino'

/** Not loaded where nobody sees it: its files took longer than the rest of the logger, in each thread. */
const pretty = process.stderr.isTTY ? (await import('pino-pretty')).default : undefined

/** JSON lines on standard error, pretty on a terminal. Payloads of devices are never logged above `debug`. */
export function createLogger(level: string, bindings: Record<string, unknown> = {}): Logger {
  const options: LoggerOptions = { level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime }
  const stderr = 2
  if (pretty !== undefined)
    return pino(options, pretty({ destination: stderr, sync: true, colorize: true, ignore: 'pid,hostname' }))
  return pino(options, pino.destination({ dest: stderr, sync: true }))
}

export const silentLogger: Logger = pino({ level: 'silent' })
