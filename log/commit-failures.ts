/**
 * lmdb-js reports a commit that failed to its caller, who deals with it, and then again as unhandled rejections. These must
 * not end the process, or holding until the disk is back would never come to anything.
 */
export function exitOnUnhandledRejection(fail: (reason: unknown) => void): void {
  process.on('unhandledRejection', (reason) => {
    if (!isFailedCommit(reason)) fail(reason)
  })
}

/** Takes note of the second promise that comes with the error of a failed commit, so that it is not unhandled. */
export function settleFailedCommit(error: unknown): void {
  if (isFailedCommit(error)) void Promise.resolve(error.commitError).catch(() => undefined)
}

function isFailedCommit(error: unknown): error is { readonly commitError: unknown } {
  return typeof error === 'object' && error !== null && 'commitError' in error
}
