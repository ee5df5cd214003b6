import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { isWebhookSecret, type WebhookAction, webhookSecretForm } from '../domain/webhook.ts'
import { type OutboundPolicy, urlProblem } from '../lib/address-guard.ts'
import { atMost, ruleLimits } from './rule-limits.ts'
import { type RuleProblem, toPointer } from './rule-problem.ts'

/** What the webhooks of a rule are held against. */
export interface ActionContext {
  readonly policy: OutboundPolicy
  /** Those that a rule has now. */
  of(ruleId: string): readonly WebhookAction[]
  /** How many the other rules have. */
  countWithout(ruleIds: ReadonlySet<string>): number
  /** Offset in `events` with which new ones begin. */
  readonly from: number
}

export const actionsSchema = z
  .array(
    z.strictObject({
      kind: z.literal('webhook'),
      url: z.string(),
      secret: z.string().refine(isWebhookSecret, `expected ${webhookSecretForm}`).optional(),
    }),
  )
  .max(ruleLimits.actionsMax, atMost('actionsMax', 'webhooks'))
  .default([])

/**
 * The webhooks of a rule as they are kept. One whose URL the rule has already goes on where it was, with its secret unless another is given:
 * a secret never comes back, so who sends a rule as it was read has none.
 */
export function completeActions(
  ruleId: string,
  given: z.output<typeof actionsSchema>,
  context: ActionContext | undefined,
): { readonly actions?: readonly WebhookAction[]; readonly problems: readonly RuleProblem[] } {
  if (given.length === 0) return { problems: [] }
  if (context === undefined)
    return { problems: [{ pointer: '/actions', detail: 'no webhooks can be had here' }] }
  const known = context.of(ruleId)
  const problems: RuleProblem[] = []
  const actions = given.map(({ kind, url, secret }, at): WebhookAction => {
    const current = known.find((action) => action.url === url)
    const problem = (name: string, detail: string) =>
      problems.push({ pointer: toPointer(['actions', at, name]), detail })
    const forbidden = urlProblem(url, context.policy)
    if (forbidden !== undefined) problem('url', forbidden)
    if (given.findIndex((action) => action.url === url) < at) problem('url', 'named twice')
    if (secret === undefined && current === undefined) problem('secret', `expected ${webhookSecretForm}`)
    const place = current ?? { uid: randomUUID(), from: context.from, secret: '' }
    return { kind, url, secret: secret ?? place.secret, uid: place.uid, from: place.from }
  })
  return { actions, problems }
}

/** The problem that these rules, which take the place of those of their ids, have too many webhooks with all others; without a pointer. */
export function tooManyActions(
  rules: readonly { readonly id: string; readonly actions?: readonly WebhookAction[] | undefined }[],
  context: ActionContext | undefined,
): string | undefined {
  const own = rules.reduce((count, { actions = [] }) => count + actions.length, 0)
  if (own === 0 || context === undefined) return undefined
  const count = own + context.countWithout(new Set(rules.map(({ id }) => id)))
  return count > ruleLimits.actionsOfAllMax
    ? `${atMost('actionsOfAllMax', 'webhooks')} in all rules`
    : undefined
}
