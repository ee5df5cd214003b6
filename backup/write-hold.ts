import type { Logger } from '../lib/logger.ts'

export interface WriteHoldOptions {
  readonly log: { forgetDeadReaders(): void }
  readonly logger: Logger
  readonly retention: { keepsIngress: boolean }
  readonly store: { hold(): Promise<void>; release(): void }
  readonly holdMsMax?: number
}

/** A copy of some hundred GB. Meanwhile readings wait in the log, whose size is limited. */
const defaultHoldMsMax = 60 * 60_000

/**
 * What a running platform does for a backup that another process makes: it trims nothing from `ingress` and writes nothing to the
 * embedded store, so that the files can be copied one after the other. Messages are acknowledged and rules evaluated as ever; readings wait
 * in the log (docs/decisions/0039).
 */
export class WriteHold {
  readonly #options: WriteHoldOptions
  #current: (() => void) | undefined
  #isStopped = false

  constructor(options: WriteHoldOptions) {
    this.#options = options
  }

  /**
   * Resolves with the end of the hold, once it is in place; undefined while there is another, or the platform stops. `onEnd` is called
   * however it ends. Rejects as the store does, and then nothing is held.
   */
  async take(onEnd: () => void): Promise<(() => void) | undefined> {
    if (this.#current !== undefined || this.#isStopped) return undefined
    const { log, logger, retention, store, holdMsMax = defaultHoldMsMax } = this.#options
    const limit = setTimeout(() => {
      logger.warn({ code: 'TIDEMARK_BACKUP_HOLD' }, 'a backup took too long: readings are stored again')
      end()
    }, holdMsMax)
    const end = () => {
      if (this.#current !== end) return
      this.#current = undefined
      clearTimeout(limit)
      retention.keepsIngress = false
      store.release()
      // Of a backup that was killed.
      log.forgetDeadReaders()
      onEnd()
    }
    this.#current = end
    retention.keepsIngress = true
    try {
      await store.hold()
    } catch (error) {
      end()
      throw error
    }
    if (this.#current === end) return end
    // It ended before the store had it.
    store.release()
    return undefined
  }

  /** Ends the hold that is in place; false when there is none. */
  end(): boolean {
    const isHeld = this.#current !== undefined
    this.#current?.()
    return isHeld
  }

  stop(): void {
    this.#isStopped = true
    this.end()
  }
}
