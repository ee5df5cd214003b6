import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Device } from '../../domain/device.ts'
import { type BacktestStep, rulesNamedBy, selectedDevices } from '../../rules/backtest.ts'
import type { Rule, StoredRule } from '../../rules/rule.ts'
import { validateRule } from '../../rules/rule-schema.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { type FieldProblem, sendProblem } from '../problem.ts'
import { below, ruleContext, takeAnyFieldNames } from '../rule-context.ts'
import { readSamples, sampleSteps } from '../rule-samples.ts'
import { storedReadings } from '../stored-readings.ts'
import { bodyTime } from '../time.ts'

const testBytesMax = 16 * 1024 * 1024
const devicesMax = 10_000

const body = z
  .strictObject({
    rule: z.unknown().describe('a rule (docs/RULES.md)'),
    from: bodyTime.optional(),
    to: bodyTime.optional(),
    devices: z
      .array(z.string(), 'expected a list of device ids')
      .max(devicesMax)
      .optional()
      .describe('of those that the rule selects, only these'),
    // Each is looked at by hand: there may be some hundred thousand.
    samples: z
      .custom<unknown[]>((given) => Array.isArray(given), 'expected a list of samples')
      .optional()
      .describe('`{device, type, labels, ts, values}` each, in place of stored readings'),
    until: bodyTime.optional().describe('how far the clock runs behind the last sample'),
  })
  .superRefine(({ rule, from, to, devices, samples, until }, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message })
    if (rule === undefined) refuse('rule', 'expected a rule')
    if (samples === undefined) {
      if (from === undefined) refuse('from', 'expected the time from which to test, or samples')
      if (to === undefined) refuse('to', 'expected the time to which to test, or samples')
      if (until !== undefined) refuse('until', 'goes with samples; stored readings end at `to`')
    } else {
      for (const [field, given] of Object.entries({ from, to, devices }))
        if (given !== undefined) refuse(field, 'goes with stored readings, not with samples')
    }
    if (from !== undefined && to !== undefined && to <= from) refuse('to', 'must be after `from`')
  })
type Asked = z.output<typeof body>

/** What to evaluate: on which devices, with which readings, and how far the clock runs. */
interface Input {
  readonly devices: readonly Device[]
  readonly untilMs: number | undefined
  readonly steps: AsyncIterable<BacktestStep>
}

/** Tries a rule on readings that are stored, or on samples given with it. */
export function ruleTestRoute(app: Api, deps: HttpDeps): void {
  takeAnyFieldNames(app)

  app.post(
    '/api/v1/rules::test',
    { config: { role: 'read', audit: [] }, bodyLimit: testBytesMax, schema: { body } },
    async (request, reply) => {
      const context = ruleContext(deps)
      const checked = validateRule(request.body.rule, context)
      if (!checked.ok) {
        const problems = below('/rule', checked.errors)
        return sendProblem(reply, 422, 'TIDEMARK_RULE_INVALID', 'the rule is not valid', problems)
      }
      const { rule } = checked
      const input = await inputOf(deps, rule, request.body)
      if ('errors' in input) return invalid(reply, input.errors)
      const { devices, untilMs, steps } = input
      const tested: StoredRule = {
        ...rule,
        version: 1,
        createdAt: '',
        updatedAt: '',
        ...versionOf(deps, rule),
      }
      const others = rulesNamedBy(tested, (id) => deps.rules.get(id))
      const profiles = [...context.profiles.values()]
      return deps.backtests.run({ rule: tested, others, devices, profiles, untilMs }, steps)
    },
  )
}

function inputOf(
  deps: HttpDeps,
  rule: Rule,
  asked: Asked,
): Promise<Input | { readonly errors: readonly FieldProblem[] }> {
  return asked.samples === undefined
    ? fromStore(deps, rule, asked)
    : fromSamples(rule, asked.samples, asked.until)
}

async function fromSamples(rule: Rule, given: readonly unknown[], until: number | undefined) {
  const samples = await readSamples(given, rule.select.types[0] ?? 'generic')
  if ('errors' in samples) return samples
  const { readings, devices } = samples
  return { devices, untilMs: until, steps: sampleSteps(readings) }
}

async function fromStore({ devices: registry, store, clock }: HttpDeps, rule: Rule, asked: Asked) {
  const [from, to] = [asked.from!, asked.to!]
  const errors: FieldProblem[] = []
  const named = asked.devices?.flatMap((id, at) => {
    const device = registry.find(id)
    if (device === undefined) errors.push({ pointer: `/devices/${at}`, detail: `there is no device ${id}` })
    return device ?? []
  })
  if (errors.length > 0) return { errors }
  const devices = selectedDevices(rule, named ?? registry.list({ limit: Number.POSITIVE_INFINITY })).map(
    (device) => ({
      ...device,
      // State begins at `from`: a device that is silent from there on is so since then.
      createdAt: new Date(Math.max(from, Date.parse(device.createdAt))).toISOString(),
    }),
  )
  // What is to come is not silence.
  const untilMs = Math.min(to, Math.max(from, clock.now()))
  return { devices, untilMs, steps: storedReadings(store, devices, { from, to }) }
}

function versionOf({ rules }: HttpDeps, { id }: Rule): { version?: number } {
  const version = rules.get(id)?.version
  return version === undefined ? {} : { version }
}

function invalid(reply: FastifyReply, errors: readonly FieldProblem[]): FastifyReply {
  return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'the request does not match its schema', errors)
}
