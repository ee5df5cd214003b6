import { afterEach, expect, test, vi } from 'vitest'
import { peakMemoryMiB } from '../../simulators/platform-memory.ts'
import { scriptedApi } from '../support/scripted-api.ts'

const everyMs = 5_000
const { setTimeout: realTimeout } = globalThis

afterEach(() => {
  vi.unstubAllGlobals()
})

/** A platform that answers `/metrics` as told, once each, and then no more; `over` aborts at the last. */
async function scripted(answers: readonly (string | undefined)[]) {
  const over = new AbortController()
  let asked = 0
  const api = await scriptedApi((_request, response) => {
    const answer = answers[asked++]
    if (asked === answers.length) over.abort()
    if (answer === undefined) response.destroy()
    else response.end(answer)
  })
  // The seconds between two looks go by at once; all other times are as they are.
  vi.stubGlobal('setTimeout', (then: () => void, ms?: number) => realTimeout(then, ms === everyMs ? 0 : ms))
  return peakMemoryMiB(api, over.signal)
}
const said = (mebibytes: number) =>
  `# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes ${mebibytes * 2 ** 20}\nother 9e12\n`

test('the most that the platform said it takes, in MiB, wherever in the run that was', async () => {
  expect(await scripted([said(100), said(250), said(200)])).toBe(250)
})

test('what is its own stands before what is resident', async () => {
  const both = `${said(300)}tidemark_memory_anonymous_bytes ${200 * 2 ** 20}\n`
  expect(await scripted([both, both])).toBe(200)
})

test('a platform that is away for a while, or says nothing of its memory: what was seen stands', async () => {
  expect(await scripted([said(100), undefined, 'other 1\n'])).toBe(100)
})

test('one that never says is not known', async () => {
  expect(await scripted(['other 1\n', undefined])).toBeUndefined()
})
