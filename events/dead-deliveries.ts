import type { DeadDelivery } from '../domain/webhook.ts'
import type { Log, LogTransaction } from '../log/log.ts'

/** What a webhook gave up on, in the log's table: as many as `keptMax`, of which the oldest go first. */
export class DeadDeliveries {
  readonly #log: Log
  readonly #prefix: string
  readonly #keptMax: number
  #count: number

  /** `uid` is of the webhook. */
  constructor(log: Log, uid: string, keptMax: number) {
    this.#log = log
    this.#prefix = `${uid}/`
    this.#keptMax = keptMax
    this.#count = log.entries('dead-deliveries', { prefix: this.#prefix }).length
  }

  get count(): number {
    return this.#count
  }

  /** Oldest first, after the id `after`. */
  list({ after, limit }: { after?: string | undefined; limit: number }): DeadDelivery[] {
    const range = {
      prefix: this.#prefix,
      limit,
      ...(after !== undefined && { after: this.#prefix + after }),
    }
    return this.#log.entries<DeadDelivery>('dead-deliveries', range).map(([, delivery]) => delivery)
  }

  find(id: string): DeadDelivery | undefined {
    return this.#log.get<DeadDelivery>('dead-deliveries', this.#prefix + id)
  }

  /** Writes that put `added` in the place of the oldest where there are too many; call `written` once they are on disk. */
  adding(added: readonly DeadDelivery[]) {
    const tooMany = Math.max(0, this.#count + added.length - this.#keptMax)
    const dropped = this.list({ limit: tooMany })
    return {
      dropped: dropped.length,
      write: (tx: LogTransaction) => {
        for (const { id } of dropped) tx.remove('dead-deliveries', this.#prefix + id)
        for (const delivery of added) tx.put('dead-deliveries', this.#prefix + delivery.id, delivery)
      },
      written: () => {
        this.#count += added.length - dropped.length
      },
    }
  }

  /** `also` is part of the same transaction. */
  async remove(id: string, also: (tx: LogTransaction) => void = () => undefined): Promise<void> {
    await this.#log.transaction((tx) => {
      tx.remove('dead-deliveries', this.#prefix + id)
      also(tx)
    })
    this.#count--
  }

  /** Removes all of them. */
  async clear(): Promise<void> {
    const all = this.list({ limit: Number.POSITIVE_INFINITY })
    await this.#log.transaction((tx) => {
      for (const { id } of all) tx.remove('dead-deliveries', this.#prefix + id)
    })
    this.#count = 0
  }
}
