import { hasOpenssl } from '../support/certificates.ts'

export interface Protection {
  /** As docs/GUARANTEES.md has it. */
  readonly name: string
  /** The source, and what stands in the place of its `code` when the protection is off. */
  readonly file: string
  readonly code: string
  readonly replacement: string
  /** Of `test/`, without `.test.ts`, and a test of it that must fail then. */
  readonly checker: string
  /** As it stands in its file. */
  readonly test: string
  /** The `describe` that it is in, where others have a test of that name. */
  readonly within?: string
  /** What is missing here that the check needs; it is skipped then. */
  readonly missing?: string | undefined
}

/** A line that is put before or after another. */
const before = (line: string, code: string) => ({ code, replacement: `${line}\n${code}` })
const after = (code: string, line: string) => ({ code, replacement: `${code}\n${line}` })

/** Protections whose check runs in its own process: with the protection taken out of its source, the check must fail. */
export const protections: readonly Protection[] = [
  {
    name: 'storage: the offset after the database has the readings',
    file: 'storage/storage-writer.ts',
    ...before(
      'await this.#options.log.transaction((tx) => tx.commitOffset(consumers.storage, next))',
      '    const rejected = await this.#untilTaken(async () => {',
    ),
    checker: 'storage/storage-writer',
    test: 'the offset and the counters move once the database has the readings, not before',
  },
  {
    name: 'ingest: the offset with the readings',
    file: 'ingest/ingest.ts',
    ...before(
      'await log.transaction((tx) => tx.commitOffset(consumers.ingest, next))',
      '    await log.transaction((tx) => {',
    ),
    checker: 'ingest/ingest',
    test: 'what the log refuses of a group is in the next run, wherever it refused',
  },
  {
    name: 'events: the offset after the publish',
    file: 'events/event-delivery.ts',
    ...before(
      'next = offsetAfter(event.sequence)!',
      '        if (!(await this.#publish(eventTopic(event.data.class, event.subject), JSON.stringify(event)))) return',
    ),
    checker: 'events/event-delivery',
    test: 'one that fails is tried again; what was published before it is not, and nothing after it goes first',
  },
  {
    name: 'rights: publishing',
    file: 'broker/rights.ts',
    ...after('export function mayPublish(principal: Principal, topic: string): boolean {', '  return true'),
    checker: 'broker/aedes-broker',
    test: '%s may not publish: the connection ends',
  },
  {
    name: 'rights: subscribing',
    file: 'broker/rights.ts',
    ...after(
      'export function maySubscribe(principal: Principal, filter: string): boolean {',
      '  return true',
    ),
    checker: 'broker/aedes-broker',
    test: 'what %s may subscribe to',
  },
  {
    name: 'rights: forwarding',
    file: 'broker/rights.ts',
    ...after('export function mayReceive(principal: Principal, topic: string): boolean {', '  return true'),
    checker: 'broker/aedes-broker',
    test: 'what waits for a session that an administrator left is not for who resumes it with less rights',
  },
  {
    name: 'lock-out of an address and id on MQTT',
    file: 'broker/authenticator.ts',
    code: 'return failure.count >= failuresMax',
    replacement: 'return false',
    checker: 'broker/admission',
    test: 'after 5 failures the device is locked out, from the same address',
  },
  {
    name: 'certificates of clients are judged',
    file: 'broker/listeners.ts',
    code: 'rejectUnauthorized: asksCertificate',
    replacement: 'rejectUnauthorized: false',
    checker: 'broker/listeners',
    test: 'a certificate %s gets no CONNACK',
    missing: hasOpenssl ? undefined : 'openssl',
  },
  {
    name: 'lock-out of an address on HTTP',
    file: 'http/failed-authentications.ts',
    code: 'if (failures === undefined || failures.count < failuresMax) return 0',
    replacement: 'if (failuresMax > 0) return 0',
    checker: 'http/failed-authentications',
    test: 'an address that guesses is not listened to for the rest of the minute, whatever it sends',
  },
  {
    name: 'roles on HTTP',
    file: 'http/access.ts',
    code: 'if (role === undefined || rank[caller.role] >= rank[role]) return undefined',
    replacement: 'if (role === undefined || caller !== undefined) return undefined',
    checker: 'http/http-server',
    test: 'every route of the API refuses a caller without a valid token, and one whose role is below its own; others it lets in',
  },
  {
    name: 'guard of addresses in URLs (SSRF)',
    file: 'lib/address-guard.ts',
    code: 'const range = literal === undefined ? undefined : forbiddenRange(literal, networks)',
    replacement: 'const range = undefined',
    checker: 'lib/address-guard',
    test: "hosts that are addresses of one's own network are refused, however they are written",
  },
  {
    name: 'guard of addresses at the connection (SSRF)',
    file: 'events/webhook-client.ts',
    code: 'if (range !== undefined)\n',
    replacement: "if (range === 'none')\n",
    checker: 'events/webhook-client',
    test: 'a name that resolves to an address that may not be reached gets no connection',
  },
  {
    name: 'signature of webhooks',
    file: 'events/webhook-signature.ts',
    code: ".digest('base64')",
    replacement: ".digest('hex')",
    checker: 'events/webhook-signature',
    test: 'a delivery is signed as the libraries of Standard Webhooks verify it',
  },
  {
    name: 'repeats stored once',
    file: 'storage/duckdb-store.ts',
    code: 'if (late.device.length > 0) {',
    replacement: 'if (late.device.length < 0) {',
    checker: 'storage/conformance',
    within: 'DuckDB',
    test: 'the same readings again add nothing',
  },
  {
    name: 'only 204 is acceptance by InfluxDB',
    file: 'storage/influx-answers.ts',
    code: 'if (status === 204) return',
    replacement: 'if (status === 204 || status === 200) return',
    checker: 'storage/influx-outcomes',
    test: 'whatever odd answers come between: every line is taken, rejected with a reason or kept',
  },
  {
    name: 'creations repeated with Idempotency-Key',
    file: 'http/idempotency.ts',
    code: "if (begun.outcome === 'answered') return sendAgain(",
    replacement: 'if (creation === undefined) return sendAgain(',
    checker: 'http/idempotency',
    test: 'a creation at %s that is repeated is answered as the first time, and made once',
  },
  {
    name: 'tombstones in the feed of changes',
    file: 'log/lmdb-tables.ts',
    code: 'if (this.isFeed(table)) void this.#tables[table].put(key, { revision: this.#revise(table, key) })\n    else ',
    replacement: '',
    checker: 'registry/device-registry',
    test: 'a view in another thread follows creation, change and removal of devices and profiles',
  },
]
