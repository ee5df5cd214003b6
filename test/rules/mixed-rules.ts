import type { DeviceRecord } from '../../domain/device.ts'
import type { Rule } from '../../rules/rule.ts'
import { deviceOf, minute } from './engine.ts'
import type { Given } from './evaluation.ts'

/** Rules of several kinds over all devices, which between them keep states, windows, held readings and groups. */
export const mixedRules: readonly (Partial<Rule> & { readonly id: string })[] = [
  { id: 'pending', for: '10m' },
  { id: 'mean', when: { ...aggregate('mean'), above: 9 } },
  { id: 'same-window', when: { ...aggregate('p90'), above: 20 } },
  { id: 'waits', wait: '5m' },
  {
    id: 'waits-mean',
    wait: '5m',
    when: { ...aggregate('max'), above: 9.9 },
  },
  {
    id: 'sequence',
    when: {
      kind: 'sequence',
      steps: [
        { when: { kind: 'threshold', metric: 'door_open', equals: true } },
        { when: { kind: 'threshold', metric: 'temperature_c', above: 9 }, within: '30m' },
      ],
    },
  },
  { id: 'absence', when: { kind: 'absence', metric: 'door_open', longerThan: '20m' } },
  {
    id: 'cumulative',
    when: {
      kind: 'cumulative',
      of: { kind: 'threshold', metric: 'temperature_c', above: 8.5 },
      longerThan: '7m',
    },
  },
  {
    id: 'group',
    when: {
      kind: 'group',
      by: 'site',
      atLeast: 2,
      of: { kind: 'threshold', metric: 'temperature_c', above: 9 },
    },
  },
  {
    id: 'peers',
    when: {
      kind: 'peers',
      metric: 'temperature_c',
      by: 'site',
      k: 4,
      minPeers: 2,
      maxAge: '15m',
      minSpread: 0.5,
    },
  },
]

function aggregate(fn: string) {
  return { kind: 'aggregate', metric: 'temperature_c', fn, window: '10m', minCount: 2 } as const
}

/** Devices of five sites, registered when the event time of the tests begins. */
export function mixedDevices(count: number): DeviceRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    ...deviceOf(`d${String(i).padStart(3, '0')}`, { site: `s${i % 5}` }),
    createdAt: new Date(0).toISOString(),
  }))
}

/** What each device sends in a minute: temperatures that wander around 8.5, each in its own way, and now and then the door. */
export function mixedReadings(devices: readonly DeviceRecord[], minuteOfRun: number): Given[] {
  return devices.map(({ id }, i) => ({
    ts: minuteOfRun * minute,
    device: id,
    values: {
      temperature_c: Math.round(85 + 20 * Math.sin(i + minuteOfRun / (2 + (i % 7)))) / 10,
      ...((minuteOfRun + i) % 4 === 0 ? { door_open: (minuteOfRun + i) % 8 === 0 } : {}),
    },
  }))
}
