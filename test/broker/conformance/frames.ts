import { expect } from 'vitest'
import { poll, RawClient } from '../raw-client.ts'

/** A packet of exactly these bytes: its first byte, then each field. Numbers are bytes; a text or buffer has its length before it. */
export function frame(first: number, ...fields: readonly (number | string | Buffer)[]): Buffer {
  const body = Buffer.concat(
    fields.map((field) => {
      if (typeof field === 'number') return Buffer.from([field])
      const bytes = Buffer.from(field as string)
      return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
    }),
  )
  if (body.length > 127) throw new Error('a frame of more than 127 bytes')
  return Buffer.concat([Buffer.from([first, body.length]), body])
}

/** The same with an identifier of two bytes in front. */
export const identified = (first: number, id: number, ...fields: readonly (number | string | Buffer)[]) =>
  frame(first, id >> 8, id & 0xff, ...fields)

const pingreq = frame(0xc0)

/** Kinds of the packets that come back for `bytes`, in order, up to the answer of a PINGREQ behind them; the last is `closed` where the connection ended. */
export async function answers(client: RawClient, bytes: Buffer): Promise<string[]> {
  const from = client.received.length
  client.conn.write(Buffer.concat([bytes, pingreq]))
  const hasPong = () => client.received.slice(from).some(({ cmd }) => cmd === 'pingresp')
  await expect.poll(() => client.isClosed || hasPong(), poll).toBe(true)
  const kinds = client.received.slice(from).map(({ cmd }) => cmd)
  return client.isClosed ? [...kinds, 'closed'] : kinds.filter((kind) => kind !== 'pingresp')
}

/** What a connection gets whose first bytes these are. */
export function answersToFirst(port: number, bytes: Buffer): Promise<string[]> {
  return answers(RawClient.open(port), bytes)
}

/** Names that no other test of the process has. */
export function names(prefix: string): () => string {
  let count = 0
  return () => `${prefix}${++count}`
}
