import { createHmac } from 'node:crypto'
import { webhookSecretPrefix } from '../domain/webhook.ts'

/**
 * Headers of a delivery as the Standard Webhooks specification 1.0.0 has them: HMAC-SHA256 over `id.timestamp.body`, so that neither
 * can be changed, nor the whole be sent again much later. `nowMs` is of the attempt, Unix ms; the header has seconds.
 */
export function signedHeaders(
  secret: string,
  message: { readonly id: string; readonly body: string },
  nowMs: number,
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const timestamp = String(Math.floor(nowMs / 1000))
  const signature = createHmac('sha256', keyOf(secret))
    .update(`${message.id}.${timestamp}.${message.body}`)
    .digest('base64')
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  }
}

/** The bytes that a secret stands for: those of its text, unless it says that it is base64. */
function keyOf(secret: string): Buffer {
  return secret.startsWith(webhookSecretPrefix)
    ? Buffer.from(secret.slice(webhookSecretPrefix.length), 'base64')
    : Buffer.from(secret)
}
