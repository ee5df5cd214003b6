import { z } from 'zod'
import { ownFields } from '../../rules/rule-registry.ts'
import { validateRuleSet } from '../../rules/rule-set.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { sendProblem } from '../problem.ts'
import { below, checkRule, ruleContext, takeAnyFieldNames } from '../rule-context.ts'
import { shownRule } from '../shown-rule.ts'

const setBytesMax = 16 * 1024 * 1024
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true')

/** Whole sets of rules: checked against each other, applied together or not at all, and given back. */
export function ruleSetRoutes(app: Api, deps: HttpDeps): void {
  const { rules } = deps
  takeAnyFieldNames(app)
  const invalid = 'the rule is not valid'
  const invalidSet = 'the set of rules is not valid'

  app.post(
    '/api/v1/rules::validate',
    {
      config: { role: 'read', audit: [] },
      bodyLimit: setBytesMax,
      schema: { body: z.unknown().describe('a rule, or a set of them') },
    },
    async ({ body }, reply) => {
      const context = ruleContext(deps)
      const list = fieldOf(body, 'rules')
      if (list !== undefined) {
        if (!Array.isArray(list)) return sendProblem(reply, 422, 'TIDEMARK_RULE_INVALID', invalidSet, notList)
        const checked = await validateRuleSet(list, { ...context, others: context.rules })
        if (!checked.ok) return sendProblem(reply, 422, 'TIDEMARK_RULE_INVALID', invalidSet, checked.errors)
        return { valid: true, rules: checked.rules.length }
      }
      // A rule alone, or under `rule` as `:test` takes it; no rule has a field of that name.
      const wrapped = fieldOf(body, 'rule')
      const checked = checkRule(wrapped === undefined ? body : wrapped, context)
      if (checked.ok) return { valid: true, metrics: checked.metrics }
      const problems = below(wrapped === undefined ? '' : '/rule', checked.errors)
      return sendProblem(reply, 422, 'TIDEMARK_RULE_INVALID', invalid, problems)
    },
  )

  const applyQuery = z.strictObject({
    dryRun: flag.describe('only says what would change'),
    prune: flag.describe('also deletes rules that are not in the body'),
  })
  const applyBody = z.strictObject({
    rules: z.array(z.unknown(), 'expected a list of rules').describe('rules (docs/RULES.md)'),
  })
  app.post(
    '/api/v1/rules::apply',
    {
      config: { role: 'admin', audit: ['rule.updated', 'rule.created', 'rule.deleted'] },
      bodyLimit: setBytesMax,
      schema: { querystring: applyQuery, body: applyBody },
    },
    async ({ query: { dryRun, prune }, body, act }, reply) => {
      const context = ruleContext(deps)
      // What is not in the set goes with `prune`, so no rule of the set may count on it.
      const others = prune ? new Map<string, never>() : context.rules
      const actions = prune ? { ...context.actions, countWithout: () => 0 } : context.actions
      const checked = await validateRuleSet(body.rules, { ...context, others, actions })
      if (!checked.ok) return sendProblem(reply, 422, 'TIDEMARK_RULE_INVALID', invalidSet, checked.errors)
      return dryRun ? rules.plan(checked.rules, prune) : rules.apply(checked.rules, prune, act)
    },
  )

  app.get('/api/v1/rules::export', { config: { role: 'read' } }, async ({ caller }) => ({
    rules: rules
      .list({ limit: Number.POSITIVE_INFINITY })
      .map((rule) => shownRule(ownFields(rule), caller?.role)),
  }))
}

const notList = [{ pointer: '/rules', detail: 'expected a list of rules' }]

function fieldOf(body: unknown, name: string): unknown {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return undefined
  return (body as Record<string, unknown>)[name]
}
