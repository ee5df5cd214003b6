import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { isRuleId } from '../domain/names.ts'
import { isWebhookSecret, type WebhookRecord, webhookSecretForm } from '../domain/webhook.ts'
import { type OutboundPolicy, urlProblem } from '../lib/address-guard.ts'
import { changedFields } from '../lib/changed-fields.ts'
import type { Act } from '../log/act.ts'
import type { Log } from '../log/log.ts'

/** Each has a few deliveries of its own in flight, so that one that hangs takes nothing from the others: this bounds them all. */
export const webhooksMax = 32

const rulesMax = 100
const secret = z.string().refine(isWebhookSecret, `expected ${webhookSecretForm}`).describe(webhookSecretForm)
const filters = {
  classes: z
    .array(z.enum(['maintenance', 'health']))
    .max(2)
    .describe('an empty list is no filter'),
  severities: z
    .array(z.enum(['critical', 'major', 'minor', 'warning', 'info']))
    .max(5)
    .describe('the same'),
  rules: z.array(z.string().refine(isRuleId, 'not a rule id')).max(rulesMax).describe('ids; the same'),
}

/** What `POST`, `PUT`, `PATCH` and `:test` take; `policy` decides which URLs there may be. */
export function webhookSchemas(policy: OutboundPolicy) {
  const url = z
    .string()
    .superRefine((text, context) => {
      const problem = urlProblem(text, policy)
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
    })
    .describe('https, to a public address')
  const id = z.string().refine(isRuleId, 'expected ^[a-z0-9][a-z0-9-]{0,63}$')
  const { classes, severities, rules } = filters
  const defaulted = {
    classes: classes.default([]),
    severities: severities.default([]),
    rules: rules.default([]),
  }
  return {
    created: z.strictObject({ id: id.optional(), url, secret, ...defaulted }),
    // The secret never comes back, so who replaces what was read has none: then it stays.
    replaced: z.strictObject({ id: id.optional(), url, secret: secret.optional(), ...defaulted }),
    changed: z.strictObject({
      url: url.optional(),
      secret: secret.optional(),
      classes: classes.optional(),
      severities: severities.optional(),
      rules: rules.optional(),
    }),
    tested: z
      .strictObject({ id: id.optional(), url: url.optional(), secret: secret.optional() })
      .refine(
        (given) =>
          given.id === undefined
            ? given.url !== undefined && given.secret !== undefined
            : given.url === undefined && given.secret === undefined,
        'expected {"id": "…"} of a webhook, or {"url": "https://…", "secret": "…"}',
      ),
  }
}

type Schemas = ReturnType<typeof webhookSchemas>
type Change = z.output<Schemas['changed']>

/** Webhooks, in the log's table; a change is durable before its call resolves, and before the listeners hear of it. */
export class WebhookRegistry {
  readonly schemas: Schemas
  /** Where webhooks may be. */
  readonly policy: OutboundPolicy
  readonly #log: Log
  readonly #listeners: (() => void)[] = []

  constructor(log: Log, policy: OutboundPolicy) {
    this.#log = log
    this.policy = policy
    this.schemas = webhookSchemas(policy)
  }

  /** Called after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  find(id: string): WebhookRecord | undefined {
    return this.#log.get<WebhookRecord>('webhooks', id)
  }

  list(): WebhookRecord[] {
    return this.#log.entries<WebhookRecord>('webhooks').map(([, webhook]) => webhook)
  }

  /** Keeps a new webhook, under an id that is made unless one is given. It begins with the next event. */
  async create(
    input: z.output<Schemas['created']>,
    act?: Act,
  ): Promise<{ outcome: 'created'; webhook: WebhookRecord } | { outcome: 'exists' } | { outcome: 'full' }> {
    const webhook: WebhookRecord = {
      ...input,
      id: input.id ?? randomUUID(),
      uid: randomUUID(),
      from: this.#log.end('events'),
    }
    const created = await this.#log.transaction((tx) => {
      if (tx.get('webhooks', webhook.id) !== undefined) return { outcome: 'exists' } as const
      const count = tx.get<number>('meta', countKey) ?? 0
      if (count >= webhooksMax) return { outcome: 'full' } as const
      tx.put('webhooks', webhook.id, webhook)
      tx.put('meta', countKey, count + 1)
      act?.write(tx, 'webhook.created', webhook.id, { origin: originOf(webhook) })
      return { outcome: 'created', webhook } as const
    })
    this.#changed()
    return created
  }

  /** Changes what is given; undefined when there is no such webhook. What waits to be delivered goes where it says now. */
  async change(id: string, { url, secret, classes, severities, rules }: Change, act?: Act) {
    const changed = await this.#log.transaction((tx): WebhookRecord | undefined => {
      const current = tx.get<WebhookRecord>('webhooks', id)
      if (current === undefined) return undefined
      const webhook: WebhookRecord = {
        ...current,
        url: url ?? current.url,
        secret: secret ?? current.secret,
        classes: classes ?? current.classes,
        severities: severities ?? current.severities,
        rules: rules ?? current.rules,
      }
      const changed = changedFields(current, webhook)
      if (changed.length === 0) return current
      tx.put('webhooks', id, webhook)
      act?.write(tx, 'webhook.updated', id, { changed, origin: originOf(webhook) })
      return webhook
    })
    this.#changed()
    return changed
  }

  /** What waits to be delivered goes with it, and so do its dead deliveries. */
  async remove(id: string, act?: Act): Promise<boolean> {
    const isRemoved = await this.#log.transaction((tx) => {
      if (tx.get('webhooks', id) === undefined) return false
      tx.remove('webhooks', id)
      tx.put('meta', countKey, (tx.get<number>('meta', countKey) ?? 1) - 1)
      act?.write(tx, 'webhook.deleted', id)
      return true
    })
    this.#changed()
    return isRemoved
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

const countKey = 'webhooks-count'

/** What may be told of a URL: its path may be a secret. */
function originOf({ url }: WebhookRecord): string {
  return new URL(url).origin
}
