/**
 * Ends the process at this moment, with SIGKILL. `process.exit` would join all threads first, and one that is held by native code never
 * ends (docs/decisions/0023).
 */
export function killOwnProcess(): never {
  process.kill(process.pid, 'SIGKILL')
  // The first process of a container gets here, for the kernel spares it its own signals. This it does not.
  process.abort()
}
