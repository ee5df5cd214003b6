import { tooManyActions } from '../rules/rule-actions.ts'
import { type RuleCheck, type RuleContext, validateRule } from '../rules/rule-schema.ts'
import type { Api } from './api.ts'
import type { HttpDeps } from './http-deps.ts'

/** What a rule is held against: the profiles and the other rules as they are now. */
export function ruleContext({
  log,
  rules,
  profiles,
  webhooks,
}: Pick<HttpDeps, 'log' | 'rules' | 'profiles' | 'webhooks'>): Required<RuleContext> {
  return {
    profiles: new Map(profiles.all().map((profile) => [profile.type, profile])),
    rules: { get: (id) => rules.get(id), has: (id) => rules.get(id) !== undefined },
    actions: {
      policy: webhooks.policy,
      of: (id) => rules.get(id)?.actions ?? [],
      countWithout: (ids) =>
        rules
          .list({ limit: Number.POSITIVE_INFINITY })
          .reduce((count, { id, actions = [] }) => count + (ids.has(id) ? 0 : actions.length), 0),
      from: log.end('events'),
    },
  }
}

/** Whether a body is a rule that may be kept beside the others there are. */
export function checkRule(input: unknown, context: RuleContext): RuleCheck {
  const checked = validateRule(input, context)
  const tooMany = checked.ok ? tooManyActions([checked.rule], context.actions) : undefined
  return tooMany === undefined ? checked : { ok: false, errors: [{ pointer: '/actions', detail: tooMany }] }
}

/**
 * Lets `__proto__` and `constructor` through as names of fields, in the bodies of this scope: what checks a rule refuses them
 * with a pointer, where Fastify's parser would only say 400. Nothing here merges a body by assignment.
 */
export function takeAnyFieldNames(app: Api): void {
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('ignore', 'ignore'),
  )
}

/** Problems with what stood under `prefix` in the body as it was sent. */
export function below<P extends { pointer: string; detail: string }>(
  prefix: string,
  problems: readonly P[],
): { pointer: string; detail: string }[] {
  return problems.map(({ pointer, detail }) => ({ pointer: prefix + pointer, detail }))
}
