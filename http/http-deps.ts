import type { CommandTable } from '../commands/command-table.ts'
import type { DeadDelivery } from '../domain/webhook.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Log, LogTransaction } from '../log/log.ts'
import type { DeviceRegistry } from '../registry/device-registry.ts'
import type { ProfileRegistry } from '../registry/profile-registry.ts'
import type { TokenRegistry } from '../registry/token-registry.ts'
import type { WebhookRegistry } from '../registry/webhook-registry.ts'
import type { BacktestPlan, BacktestResult, BacktestStep } from '../rules/backtest.ts'
import type { RuleRegistry } from '../rules/rule-registry.ts'
import type { ReadingStore } from '../storage/reading-store.ts'

/** A part of the platform that can be restarted alone. */
export interface PartState {
  readonly name: string
  /** Since the platform started. */
  readonly restarts: number
  /** Epoch ms. */
  readonly startedAt: number
  /** Entries of the log that it has yet to read. */
  readonly lag: number
}

/** What sends events to webhooks. `uid` is that of the webhook's record. */
export interface WebhookSender {
  /** Sends a test event once. */
  test(target: { readonly id?: string; readonly url: string; readonly secret: string }): Promise<{
    readonly delivered: boolean
    readonly status?: number
    readonly detail?: string
    readonly durationMs: number
  }>
  /** Undefined for a moment after the webhook was made. */
  status(uid: string):
    | {
        readonly waiting: number
        readonly deadDeliveries: number
        readonly failing: { readonly since: string; readonly detail: string } | null
      }
    | undefined
  deadDeliveries(uid: string, range: { after?: string | undefined; limit: number }): readonly DeadDelivery[]
  /** Sends dead deliveries once more, all or those of `ids`, up to the first that fails; `also` is part of the transaction that removes one. */
  replay(
    uid: string,
    ids: readonly string[] | undefined,
    also?: (tx: LogTransaction, id: string) => void,
  ): Promise<{
    readonly replayed: number
    readonly failed: readonly { readonly id: string; readonly reason: string }[]
    readonly more: boolean
  }>
}

/** What the HTTP face needs of the platform. */
export interface HttpDeps {
  readonly log: Log
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly devices: DeviceRegistry
  readonly profiles: ProfileRegistry
  readonly tokens: TokenRegistry
  readonly rules: RuleRegistry
  readonly webhooks: WebhookRegistry
  readonly webhookSender: WebhookSender
  readonly commands: CommandTable
  readonly store: Pick<ReadingStore, 'readings' | 'timeline' | 'latest' | 'purge'>
  /** What reads the log, each part alone. */
  readonly parts: {
    list(): readonly PartState[]
    /** Resolves when the part runs again, with what it is then; undefined when there is none of that name. */
    restart(name: string): Promise<PartState | undefined>
  }
  /** Tests a rule on past readings, beside this thread. */
  readonly backtests: {
    run(plan: BacktestPlan, steps: AsyncIterable<BacktestStep>): Promise<BacktestResult>
  }
  /** Keeps the files of the data directory as they are, for a backup. */
  readonly backupHold: {
    /** Resolves with the end of the hold, once it is in place; undefined while there is another. `onEnd` is called however it ends. */
    take(onEnd: () => void): Promise<(() => void) | undefined>
    /** Ends the hold that is in place; false when there is none. */
    end(): boolean
  }
  /** Of the data directory; undefined where its file system tells nothing. */
  readonly diskSpace: () => { readonly freeBytes: number; readonly totalBytes: number } | undefined
  readonly storeStatus: () => { readonly kind: string; readonly up: boolean }
  readonly connections: {
    isOnline(id: string): boolean
    lastSeenAt(id: string): number | undefined
    count(): number
    disconnect(id: string): void
  }
  /** Where MQTT listens, TLS if it does. */
  readonly mqttPorts: { readonly plain: number; readonly tls: number | undefined }
  /** Folder of the built dashboard; where there is none, `/` says so. */
  readonly dashboardDir: string
  /** Puts a message into the log as if its device had just published it; false when the log refuses. */
  readonly republish: (deviceId: string, payload: Buffer, topic: 0 | 1) => Promise<boolean>
}
