import { TidemarkError } from '../lib/errors.ts'

/** Of a request: what takes longer is answered with a problem, so that a hanging database holds no client for ever. */
const answerMsMax = 10_000

/** The store's answer, or TIDEMARK_STORE_TIMEOUT after 10 s. */
export async function withinTime<T>(answer: Promise<T>, timeoutMs = answerMsMax): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new TidemarkError('TIDEMARK_STORE_TIMEOUT', `no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
