import { messageOf, TidemarkError } from '../lib/errors.ts'

const interruptedExitCode = 130
const progressEveryMs = 200

/**
 * Runs a client command until it ends; Ctrl-C (or SIGTERM) aborts it, lets it print its summary, and makes the exit code 130. Work
 * that has no summary then rejects with TIDEMARK_INTERRUPTED, and `kept` says what is left of it.
 */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<void>,
  kept: () => string = () => 'nothing was changed',
): Promise<void> {
  const interruption = new AbortController()
  const onSignal = () => {
    // A second Ctrl-C does not wait for the summary.
    if (interruption.signal.aborted) process.exit(interruptedExitCode)
    interruption.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    await work(interruption.signal)
  } catch (error) {
    if (!(error instanceof TidemarkError) || error.code !== 'TIDEMARK_INTERRUPTED') throw error
    const message = `interrupted: ${kept()}`
    throw new TidemarkError('TIDEMARK_INTERRUPTED', message, { exitCode: interruptedExitCode })
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    endProgress()
  }
  if (interruption.signal.aborted) process.exitCode = interruptedExitCode
}

/**
 * Ends the command when what it prints cannot be written: well where the reader of a pipe has gone (`… | head`), else with exit
 * code 2 and a line like that of any other error.
 */
export function endWhenOutputFails(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A stream that a command pipes into standard output looks after itself.
    if (process.stdout.listenerCount('error') > 1) return
    if (error.code === 'EPIPE') process.exit()
    process.stderr.write(
      `tidemark: standard output cannot be written: ${messageOf(error)} (TIDEMARK_OUT_INVALID)\n`,
    )
    process.exit(2)
  })
}

/** Takes the line of progress off the terminal. */
export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}

/** A line on standard error that is written over, when that is a terminal. */
export function progressLine(): (text: string) => void {
  let writtenAt = 0
  return (text) => {
    const now = performance.now()
    if (!process.stderr.isTTY || now - writtenAt < progressEveryMs) return
    writtenAt = now
    process.stderr.write(`\r\u001b[K${text}`)
  }
}

/**
 * Prints a report: one JSON object, or a line for each field and for each entry of a list. To standard error where standard
 * output has the command's product.
 */
export function report(
  result: object,
  asJson: boolean | undefined,
  out: { write(text: string): unknown } = process.stdout,
): void {
  if (asJson) {
    out.write(`${JSON.stringify(result)}\n`)
    return
  }
  const line = (name: string, text: string) => out.write(`${name.padEnd(16)} ${text}\n`)
  for (const [name, value] of Object.entries(result)) {
    if (Array.isArray(value)) for (const entry of value) line(name, String(entry))
    else if (typeof value === 'object' && value !== null) {
      const parts = Object.entries(value).map(([part, of]) => `${part} ${shown(of)}`)
      line(name, parts.join(', '))
    } else line(name, shown(value))
  }
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(Number(value.toFixed(3))) : String(value)
}
