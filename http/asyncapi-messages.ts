import { z } from 'zod'
import { answerSchemas } from './answer-schemas.ts'
import { timeMax, timeMin } from './time.ts'

/** What goes over MQTT, by the name under which `/asyncapi.json` lists it; with examples, which the tests send. */
const unixMs = z.number().int()
/** As `isMetricName` has it; `ts` and `values` beside others make it the other form. */
const metricName = (taken: string) =>
  z
    .string()
    .regex(new RegExp(`^(?!(?:${taken})$)[A-Za-z][A-Za-z0-9_]{0,63}$`))
    .meta({ description: 'Ends in its unit where it has one: _w, _kwh, _c' })
const value = z.union([z.number(), z.boolean(), z.string().max(256), z.null()]).meta({
  description: 'Text of at most 256 bytes; null is skipped. The first value of a metric fixes its type',
})
const timed = z
  .strictObject({
    ts: unixMs.min(timeMin).max(timeMax).optional(),
    seq: z.union([z.number(), z.boolean(), z.string(), z.null()]).optional(),
    values: z.record(metricName('time|device|quality'), value),
  })
  .meta({ description: '`ts` is Unix ms; without it the time received counts. `seq` is not stored' })
const plain = z
  .record(metricName('time|device|quality|ts|values'), value)
  .meta({ description: 'Values received now', minProperties: 1 })
const reading = z.union([timed, plain])

export const messages = {
  Readings: {
    title: 'Readings of a device',
    payload: z.union([reading, z.array(reading).min(1).max(10_000)]),
    examples: [
      {
        ts: 1732000000000,
        seq: 17,
        values: { active_power_w: 1234.5, voltage_v: 230.1, relay_closed: true },
      },
      [
        { ts: 1732000000000, values: { temperature_c: 4.2 } },
        { ts: 1732000060000, values: { temperature_c: 4.3 } },
      ],
      { temperature_c: 4.2, door_open: false },
    ],
  },
  Command: {
    title: 'A command to a device',
    payload: z
      .object({
        id: z.string(),
        name: z.string(),
        payload: z.unknown(),
        createdAt: unixMs,
        expiresAt: unixMs,
      })
      .meta({ description: 'Times in Unix ms. The same id may come more than once' }),
    examples: [
      {
        ...{ id: '000000000042-9f3a1c2b', name: 'set_relay', payload: { closed: false } },
        ...{ createdAt: 1732000000000, expiresAt: 1732003600000 },
      },
    ],
  },
  Response: {
    title: 'What a device answers to a command',
    payload: z
      .union([
        z.looseObject({
          status: z.string().meta({
            examples: ['acknowledged', 'succeeded', 'failed'],
            description: 'Any other counts as acknowledged',
          }),
        }),
        z.unknown(),
      ])
      .meta({ description: 'Without `status` the command has succeeded. Text that is no JSON is taken too' }),
    examples: [
      { status: 'succeeded', relay_closed: false },
      { status: 'failed', reason: 'jammed' },
    ],
  },
  Event: {
    title: 'Something that happened to an alarm, as a CloudEvents 1.0 event in structured mode',
    payload: answerSchemas.Event,
    examples: [
      {
        ...{ specversion: '1.0', id: '3f1c9a', source: '/rules/fridge-too-warm', subject: 'fridge-12' },
        ...{ type: 'tidemark.maintenance.raised.v1', time: '2026-11-23T12:00:00Z' },
        ...{ sequence: '00000000000000018734', datacontenttype: 'application/json' },
        data: {
          ...{ alarm: 'fridge-too-warm:fridge-12', rule: 'fridge-too-warm', ruleVersion: 3 },
          ...{
            device: 'fridge-12',
            deviceType: 'fridge',
            class: 'maintenance',
            severity: 'major',
            state: 'raised',
          },
          ...{
            message: 'fridge-12 is 9.1 °C (limit 8)',
            value: 9.1,
            threshold: 8,
            since: '2026-11-23T11:45:00Z',
          },
          ...{ recorded: '2026-11-23T12:00:00.412Z', evidence: [{ ts: 1795435200000, temperature_c: 9.1 }] },
        },
      },
    ],
  },
  Relayed: {
    title: 'A message of an operator to a device',
    payload: z.unknown(),
    examples: [{ name: 'identify' }],
  },
} as const satisfies Readonly<
  Record<string, { title: string; payload: z.ZodType; examples: readonly unknown[] }>
>
