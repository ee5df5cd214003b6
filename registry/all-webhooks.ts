import type { WebhookAction, WebhookRecord } from '../domain/webhook.ts'
import type { WebhookRegistry } from './webhook-registry.ts'

/** Rules, of which some have webhooks as their actions. */
interface RulesWithActions {
  list(filter: { limit: number }): readonly {
    readonly id: string
    readonly actions?: readonly WebhookAction[] | undefined
  }[]
  onChange(listener: () => void): void
}

/** The webhooks that people have made and those that belong to rules, as if they were of one kind. */
export class AllWebhooks {
  readonly #made: WebhookRegistry
  readonly #rules: RulesWithActions

  constructor(made: WebhookRegistry, rules: RulesWithActions) {
    this.#made = made
    this.#rules = rules
  }

  /** Called after each change. */
  onChange(listener: () => void): void {
    this.#made.onChange(listener)
    this.#rules.onChange(listener)
  }

  find(id: string): WebhookRecord | undefined {
    return this.#made.find(id) ?? this.#ofRules().find((webhook) => webhook.id === id)
  }

  /** In order of their ids. */
  list(): WebhookRecord[] {
    return [...this.#made.list(), ...this.#ofRules()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** One has the events of its rule, and the id under which its deliveries are kept. */
  #ofRules(): WebhookRecord[] {
    return this.#rules.list({ limit: Number.POSITIVE_INFINITY }).flatMap(({ id: rule, actions = [] }) =>
      actions.map(({ kind: _kind, ...action }) => ({
        ...{ ...action, id: action.uid, rule },
        ...{ classes: [], severities: [], rules: [rule] },
      })),
    )
  }
}
