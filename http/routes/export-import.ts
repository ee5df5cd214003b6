import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Profile } from '../../domain/profile.ts'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import type { Act } from '../../log/act.ts'
import { profileSchema } from '../../registry/profile-schema.ts'
import { ownFields } from '../../rules/rule-registry.ts'
import { toPointer } from '../../rules/rule-schema.ts'
import { validateRuleSet } from '../../rules/rule-set.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { type FieldProblem, fieldProblems, sendProblem } from '../problem.ts'
import { ruleContext, takeAnyFieldNames } from '../rule-context.ts'
import { shownRule } from '../shown-rule.ts'
import { deviceInput } from './devices.ts'

const importBytesMax = 16 * 1024 * 1024
/** Devices that are looked at, or registered together, before the thread goes on with other work: it also acknowledges messages. */
const turnDevices = 100
const problemsMax = 100
type DeviceInput = z.output<typeof deviceInput>

const list = z.array(z.unknown(), 'expected a list').default([])
const importBody = z.strictObject({ profiles: list, devices: list, rules: list })
const importQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('only says what would change'),
})

/** What an import does to one kind of thing; ids in the order of the document. */
interface Changes {
  readonly created: string[]
  readonly updated: string[]
  readonly unchanged: string[]
}

/** Everything that people have set up, as one document: profiles of their own, devices without their secrets, rules. */
export function exportImportRoutes(app: Api, deps: HttpDeps): void {
  takeAnyFieldNames(app)
  const { devices, profiles, rules } = deps

  app.get('/api/v1/export', { config: { role: 'read' } }, async ({ caller }) => ({
    profiles: profiles.all().filter((profile) => !isShipped(profile)),
    devices: devices
      .list({ limit: Number.POSITIVE_INFINITY })
      .map(({ id, type, labels }) => ({ id, type, labels })),
    rules: rules
      .list({ limit: Number.POSITIVE_INFINITY })
      .map((rule) => shownRule(ownFields(rule), caller?.role)),
  }))

  app.post(
    '/api/v1/import',
    {
      config: {
        role: 'admin',
        audit: ['device.created', 'device.updated', 'profile.put', 'rule.created', 'rule.updated'],
      },
      bodyLimit: importBytesMax,
      schema: { querystring: importQuery, body: importBody },
    },
    async ({ query: { dryRun }, body, act }, reply) => {
      const checked = await checkImport(deps, body)
      if ('errors' in checked) {
        const errors = checked.errors.slice(0, problemsMax)
        return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'the document is not valid', errors)
      }
      const typeOf = ({ type }: Profile) => type
      const idOf = ({ id }: DeviceInput) => id
      const told = {
        profiles: changesOf(checked.profiles, typeOf, ({ type }) => profiles.find(type)),
        devices: changesOf(checked.devices, idOf, (device) => currently(deps, device)),
      }
      if (dryRun) return { ...told, rules: rules.plan(checked.rules, false), credentials: [] }
      for (const profile of checked.profiles)
        if (!told.profiles.unchanged.includes(profile.type)) await profiles.put(profile, act)
      const credentials = await registerAll(deps, act, checked.devices, new Set(told.devices.unchanged))
      return { ...told, rules: await rules.apply(checked.rules, false, act), credentials }
    },
  )
}

/** All of the document, checked before any of it is applied; rules against the profiles as they will be. */
async function checkImport(deps: HttpDeps, body: z.output<typeof importBody>) {
  const errors: FieldProblem[] = []
  const profiles = await parsed(body.profiles, profileSchema, 'profiles', ({ type }) => type, errors)
  const devices = await parsed(body.devices, deviceInput, 'devices', ({ id }) => id, errors)
  const context = ruleContext(deps)
  const known = new Map([...context.profiles, ...profiles.map((one) => [one.type, one as Profile] as const)])
  const rules = await validateRuleSet(body.rules, { ...context, profiles: known, others: context.rules })
  if (!rules.ok) errors.push(...rules.errors)
  if (errors.length > 0 || !rules.ok) return { errors }
  return { profiles: profiles as Profile[], devices, rules: rules.rules }
}

async function parsed<S extends z.ZodType>(
  inputs: readonly unknown[],
  schema: S,
  name: string,
  idOf: (item: z.output<S>) => string,
  errors: FieldProblem[],
): Promise<z.output<S>[]> {
  const items: z.output<S>[] = []
  const ids = new Set<string>()
  for (const [at, input] of inputs.entries()) {
    if (at % turnDevices === turnDevices - 1) await nextTurn()
    if (errors.length >= problemsMax) break
    const item = schema.safeParse(input)
    if (!item.success) errors.push(...fieldProblems(item.error.issues, toPointer([name, at])))
    else if (ids.has(idOf(item.data)))
      errors.push({ pointer: toPointer([name, at]), detail: `${idOf(item.data)} is in the list already` })
    else {
      ids.add(idOf(item.data))
      items.push(item.data)
    }
  }
  return items
}

function changesOf<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  currentOf: (item: T) => T | undefined,
): Changes {
  const changes: Changes = { created: [], updated: [], unchanged: [] }
  for (const item of items) {
    const current = currentOf(item)
    const isSame = isDeepStrictEqual(current, item)
    changes[current === undefined ? 'created' : isSame ? 'unchanged' : 'updated'].push(idOf(item))
  }
  return changes
}

/** As a document would have it; without labels where the document names none, which leaves them as they are. */
function currently({ devices }: HttpDeps, { id, labels }: DeviceInput): DeviceInput | undefined {
  const device = devices.find(id)
  if (device === undefined) return undefined
  return { id, type: device.type, ...(labels === undefined ? {} : { labels: { ...device.labels } }) }
}

/** Registers or updates; the credentials of the new ones. Each group shares a commit. */
async function registerAll(
  { devices }: HttpDeps,
  act: Act,
  inputs: readonly DeviceInput[],
  unchanged: ReadonlySet<string>,
): Promise<{ username: string; password: string }[]> {
  const credentials: { username: string; password: string }[] = []
  const changing = inputs.filter(({ id }) => !unchanged.has(id))
  for (let at = 0; at < changing.length; at += turnDevices) {
    await Promise.all(
      changing.slice(at, at + turnDevices).map(async (input) => {
        const created = await devices.create(input, act)
        if (created === undefined) await devices.update(input.id, input, act)
        else credentials.push({ username: input.id, password: created.secret })
      }),
    )
  }
  return credentials
}

function isShipped(profile: Profile): boolean {
  return shippedProfiles.some((one) => one.type === profile.type && isDeepStrictEqual(one, profile))
}
