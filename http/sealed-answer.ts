import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const algorithm = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16

/**
 * A text that only the holder of `token` can open again, and only with `idempotencyKey`: AES-256-GCM under a key made of both
 * (HKDF, RFC 5869). Of the token the platform keeps a hash, so what is kept opens nothing by itself. Base64.
 */
export function seal(text: string, token: string, idempotencyKey: string): string {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv(algorithm, keyOf(token, idempotencyKey), iv)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
}

/** The text; throws where it was sealed with another token or key, or altered. */
export function unseal(sealed: string, token: string, idempotencyKey: string): string {
  const bytes = Buffer.from(sealed, 'base64')
  const decipher = createDecipheriv(algorithm, keyOf(token, idempotencyKey), bytes.subarray(0, ivBytes))
  decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
  return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
}

function keyOf(token: string, idempotencyKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', token, 'tidemark answer', idempotencyKey, 32))
}
