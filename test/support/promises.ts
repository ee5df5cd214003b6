/**
 * The promises by the names that `npm run verify` takes, the tests that prove each, and the sizes in which they do: the small
 * one is part of `npm test`, the full one is for a machine that does nothing else. docs/GUARANTEES.md says what they mean.
 */
export const promises = {
  R1: {
    promise: 'kill -9 under load loses, alters and repeats nothing that was acknowledged',
    tests: ['chaos/kill'],
    sizes: { TIDEMARK_KILLS: { small: 12, full: 300 } },
  },
  R2: {
    promise:
      'after a failed fsync, or on a full disk, nothing is acknowledged; it goes on by itself, nothing is lost',
    tests: ['chaos/full-disk'],
    sizes: { TIDEMARK_DISK_FAILURES: { small: 5, full: 100 } },
  },
  R3: {
    promise:
      'with the database stopped, hanging, resetting or slow, devices are acknowledged as before, and everything is stored after',
    tests: ['chaos/outage'],
    sizes: {
      TIDEMARK_OUTAGE_SECONDS: { small: 24, full: 600 },
      TIDEMARK_OUTAGE_RATE: { small: 1_000, full: 2_000 },
    },
  },
  R4: {
    promise: 'every odd answer of the database has its exact outcome',
    tests: ['storage/influx-answers', 'storage/influx-outcomes'],
    sizes: { TIDEMARK_ANSWER_SEEDS: { small: 1, full: 100 } },
  },
  R5: {
    promise: 'malformed MQTT brings nothing down and disturbs nobody',
    tests: ['property/mutated-frames'],
    sizes: { TIDEMARK_FUZZ_FRAMES: { small: 50_000, full: 10_000_000 } },
  },
  R6: {
    promise: 'a hostile payload is stored or becomes a dead letter with its reason',
    tests: ['property/hostile-payloads', 'property/hostile-payloads-stored'],
    sizes: {
      TIDEMARK_FUZZ_PAYLOADS: { small: 100_000, full: 10_000_000 },
      TIDEMARK_FUZZ_MESSAGES: { small: 5_000, full: 50_000 },
    },
  },
  R7: {
    promise: 'hostile sockets are cut off, and others do not notice',
    tests: ['chaos/hostile-sockets'],
    sizes: {},
  },
  R8: {
    promise: 'a subscriber that does not read slows nobody, and is cut off',
    tests: ['broker/frozen-subscriber'],
    sizes: { TIDEMARK_FROZEN_SUBSCRIBERS: { small: 1, full: 50 } },
  },
  R9: {
    promise: 'after a restart all devices are back, and nothing acknowledged is lost',
    tests: ['chaos/reconnect'],
    sizes: { TIDEMARK_RECONNECTING_DEVICES: { small: 300, full: 2_000 } },
  },
  R10: {
    promise: 'rules that are killed in the middle of a condition raise the event at its time, once',
    tests: [
      'chaos/rules-kill',
      'chaos/part-restarts',
      'rules/reference/arrival',
      'rules/reference/against-engine',
    ],
    sizes: {
      TIDEMARK_RULE_KILLS: { small: 6, full: 300 },
      TIDEMARK_PART_RESTARTS: { small: 4, full: 10 },
      TIDEMARK_CASES: { small: 400, full: 10_000 },
    },
  },
  R11: {
    promise:
      'a webhook whose receiver is down, slow or failing gets each event at least once, in order for each alarm',
    tests: ['chaos/webhook-outage', 'chaos/webhooks-kill'],
    sizes: { TIDEMARK_WEBHOOK_DOWN_SECONDS: { small: 10, full: 600 } },
  },
  R12: {
    promise: 'SIGTERM under load ends the process within 10 s, with exit code 0, and loses nothing',
    tests: ['chaos/shutdown'],
    sizes: { TIDEMARK_SHUTDOWNS: { small: 4, full: 100 } },
  },
  R13: {
    promise: 'memory, descriptors, timers and listeners stay flat',
    tests: ['chaos/soak'],
    sizes: {
      TIDEMARK_SOAK_SECONDS: { small: 45, full: 1_800 },
      TIDEMARK_SOAK_RATE: { small: 1_000, full: 8_000 },
    },
  },
  R14: {
    promise: 'devices whose clocks are wrong, step or meet a leap day raise no false event and take no room',
    tests: ['chaos/clocks'],
    sizes: {},
  },
} as const satisfies Record<string, PlannedProof>

interface PlannedProof {
  readonly promise: string
  /** Of `test/`, without `.test.ts`. */
  readonly tests: readonly string[]
  /** By the variable of the environment that sets another one. */
  readonly sizes: Readonly<Record<string, { readonly small: number; readonly full: number }>>
}

export type PromiseName = keyof typeof promises
type SizeName = { [P in PromiseName]: keyof (typeof promises)[P]['sizes'] }[PromiseName]

export const promiseNames = Object.keys(promises) as PromiseName[]

/** Latency and memory are judged too: not beside other tests, where they say nothing. */
export const judgesFigures = process.env.TIDEMARK_FIGURES === '1'

/** How many, or how long, in this run: what the environment sets, else the full size where `TIDEMARK_SIZE=full`, else the small one. */
export function sizeOf(name: SizeName): number {
  const set = process.env[name]
  if (set === undefined) return sizesOf(process.env.TIDEMARK_SIZE === 'full')[name]
  const size = Number(set)
  if (!Number.isSafeInteger(size) || size < 0) throw new Error(`${name}=${set} is no number`)
  return size
}

/** What random input is made from: told with the figures of its test, and set by `TIDEMARK_FUZZ_SEED` to repeat a run. */
export function newSeed(): number {
  return Number(process.env.TIDEMARK_FUZZ_SEED ?? Date.now() % 2 ** 31)
}

/** The sizes of a promise in this run. */
export function sizesIn(promise: PromiseName): Record<string, number> {
  return Object.fromEntries(
    Object.keys(promises[promise].sizes).map((name) => [name, sizeOf(name as SizeName)]),
  )
}

function sizesOf(isFull: boolean): Record<SizeName, number> {
  const all = Object.values(promises).flatMap(({ sizes }) =>
    Object.entries<{ small: number; full: number }>(sizes),
  )
  return Object.fromEntries(all.map(([name, { small, full }]) => [name, isFull ? full : small])) as Record<
    SizeName,
    number
  >
}
