import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../bench/services/free-port.ts'

test('a port is below those of outgoing connections, is given once, and nobody listens on it', async () => {
  const first = await freePort()
  const taken = net.createServer()
  onTestFinished(() => void taken.close())
  // The next that would be given.
  await new Promise<void>((resolve) =>
    taken.once('error', () => resolve()).listen(first + 1, '127.0.0.1', resolve),
  )
  const more = [await freePort(), await freePort(), await freePort()]
  for (const port of [first, ...more]) expect(port).toBeLessThan(32_768)
  expect(new Set([first, first + 1, ...more]).size).toBe(5)
})
