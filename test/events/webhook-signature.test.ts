import { expect, test } from 'vitest'
import { signedHeaders } from '../../events/webhook-signature.ts'

test('a delivery is signed as the libraries of Standard Webhooks verify it', () => {
  // The vector of the specification’s own libraries.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' }
  expect(signedHeaders(secret, message, 1_614_265_330_999)).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('another secret, id, second or body has another signature', () => {
  const sign = (secret: string, id: string, body: string, nowMs: number) =>
    signedHeaders(secret, { id, body }, nowMs)['webhook-signature']
  const signatures = [
    sign('a plain secret of ours', 'a', '{}', 1_000),
    sign('a plain secret of yours', 'a', '{}', 1_000),
    sign('a plain secret of ours', 'b', '{}', 1_000),
    sign('a plain secret of ours', 'a', '{ }', 1_000),
    sign('a plain secret of ours', 'a', '{}', 2_000),
  ]
  expect(new Set(signatures).size).toBe(signatures.length)
  expect(sign('a plain secret of ours', 'a', '{}', 1_999)).toBe(signatures[0])
})
