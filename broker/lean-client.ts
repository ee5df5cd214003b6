import type { EventEmitter } from 'node:events'
import { writeToStream } from 'mqtt-packet'
import { ParserBytes } from './parser-bytes.ts'

/** The fields of aedes' client that take memory for each connection. */
export interface SlimmedClient {
  duplicates: Record<string, number>
  readonly _parser: EventEmitter & {
    _list: ParserBytes
    _states: readonly string[]
    settings: { readonly protocolVersion?: number; readonly bridgeMode?: boolean }
  }
}

// Else mqtt-packet keeps a buffer for each of the 65,536 numbers of two bytes: 8 MB, to write few of them.
writeToStream.cacheNumbers = false

/** As mqtt-packet's parser makes them anew for each connection, with the whole CONNECT for the version that it names. */
const parserStates = ['_parseHeader', '_parseLength', '_parsePayload', '_newPacket'] as const
const parserSettings = [3, 4].map((protocolVersion) => ({ protocolVersion }))
/** In place of the marks that aedes keeps of what it forwarded to a client, which `Forwarder` does. */
const noMarks: Record<string, number> = Object.freeze(Object.create(null))

/** A new connection shares what is the same for all. */
export function slim(client: SlimmedClient): void {
  client.duplicates = noMarks
  client._parser._list = new ParserBytes()
  client._parser._states = parserStates
}

/** The parser keeps CONNECT, with its password and the chunk of the socket that it came in. */
export function forgetConnect({ _parser }: SlimmedClient): void {
  const { protocolVersion, bridgeMode } = _parser.settings
  const kept = parserSettings.find((settings) => settings.protocolVersion === protocolVersion)
  if (kept !== undefined && bridgeMode !== true) _parser.settings = kept
}
