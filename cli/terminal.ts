const interruptedExitCode = 130
const progressEveryMs = 200

/** Runs a client command until it ends; Ctrl-C aborts it, lets it print its summary, and makes the exit code 130. */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
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
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  }
  if (interruption.signal.aborted) process.exitCode = interruptedExitCode
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

/** Prints a report on standard output: one JSON object, or a line for each field. */
export function report(result: object, asJson: boolean | undefined): void {
  if (asJson) {
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return
  }
  for (const [name, value] of Object.entries(result)) {
    const shown = typeof value === 'object' ? JSON.stringify(value) : value
    process.stdout.write(`${name.padEnd(16)} ${shown}\n`)
  }
}
