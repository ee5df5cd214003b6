import { expect, test } from 'vitest'
import { withinTime } from '../../http/store-answer.ts'

test('an answer in time is passed on, a failure too', async () => {
  expect(await withinTime(Promise.resolve(7), 1_000)).toBe(7)
  await expect(withinTime(Promise.reject(new Error('no')), 1_000)).rejects.toThrow('no')
})

test('one that does not come has a code, which HTTP answers with 503', async () => {
  await expect(withinTime(new Promise(() => undefined), 10)).rejects.toMatchObject({
    code: 'TIDEMARK_STORE_TIMEOUT',
  })
})
