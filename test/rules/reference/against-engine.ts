import { shippedProfiles } from '../../../domain/shipped-profiles.ts'
import type { Occurrence } from '../../../rules/instance.ts'
import type { Rule, StoredRule } from '../../../rules/rule.ts'
import { Evaluation, type Given } from '../evaluation.ts'
import { defaultDevice, devicesOf, type GivenReading, type Transition, type World } from './world.ts'

/** What the engine makes of the cases of the reference. */

/** Later than any reading: a device of which no registration is said is not missed before it is heard. */
const notRegistered = Date.UTC(2099, 0, 1)

function stored(rule: Rule): StoredRule {
  const at = '2020-01-01T00:00:00.000Z'
  return { ...rule, version: 1, createdAt: at, updatedAt: at }
}

export function engineOf(rule: Rule, readings: readonly GivenReading[], world: World): Evaluation {
  const devices = devicesOf(readings, world).map((id) => ({
    id,
    type: world.deviceTypes?.[id] ?? 'generic',
    labels: world.labels?.[id] ?? {},
    createdAt: new Date(world.registeredAt?.[id] ?? notRegistered).toISOString(),
    secretHash: '',
  }))
  return new Evaluation([rule, ...(world.otherRules ?? [])].map(stored), {
    devices,
    profiles: shippedProfiles,
    maintenance: world.maintenance ?? [],
  })
}

export const givenOf = ({ ts, values, device = defaultDevice }: GivenReading): Given => ({
  ts,
  values,
  device,
})

/** Readings and changes of connections in the order of arrival; readings arrive at their own time. */
export function play(engine: Evaluation, readings: readonly GivenReading[], world: World): void {
  const links = [...(world.connections ?? [])]
  for (const reading of readings) {
    while (links[0] !== undefined && links[0].ts <= reading.ts) {
      const { device, online, ts } = links.shift()!
      engine.connection(device, online, ts)
    }
    engine.giveAt(reading.ts, givenOf(reading))
  }
  for (const { device, online, ts } of links) engine.connection(device, online, ts)
  if (world.until !== undefined) engine.advance(world.until)
}

/** Transitions of the rule, by device, each one's in order. */
export function transitionsOf(rule: Rule, occurrences: readonly Occurrence[]): Transition[] {
  return occurrences
    .filter(({ instance }) => instance.rule.id === rule.id)
    .map(({ instance, transition, time, since, value, severity }) => ({
      device: instance.device.id,
      transition,
      time,
      since,
      value,
      severity,
    }))
    .sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : 0))
}
