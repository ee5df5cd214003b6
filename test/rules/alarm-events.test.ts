import { expect, test } from 'vitest'
import { alarmId } from '../../rules/alarm-events.ts'
import { Evaluation, fridge, storedRule } from './evaluation.ts'

const startMs = Date.parse('2026-11-23T11:45:00Z')
const warm = { ts: startMs, values: { temperature_c: 9.1 } }

function raised(rule: Parameters<typeof storedRule>[0] = {}, version = 3, device = fridge) {
  const evaluation = new Evaluation([storedRule(rule, version)], { devices: [device] })
  evaluation.give({ ...warm, device: device.id })
  return evaluation.events[0]!
}

test('an event is a CloudEvent of the contract', () => {
  const evaluation = new Evaluation([storedRule({ for: '15m' }, 3)])
  evaluation.give(warm, { ts: startMs + 15 * 60_000, values: { temperature_c: 9.2 } })
  const [event] = evaluation.events
  expect(event).toEqual({
    specversion: '1.0',
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    source: '/rules/too-warm',
    type: 'tidemark.maintenance.raised.v1',
    subject: 'fridge-1',
    time: '2026-11-23T12:00:00.000Z',
    datacontenttype: 'application/json',
    data: {
      alarm: alarmId('too-warm', 'fridge-1'),
      rule: 'too-warm',
      ruleVersion: 3,
      device: 'fridge-1',
      deviceType: 'fridge',
      class: 'maintenance',
      severity: 'major',
      state: 'raised',
      message: 'fridge-1 is 9.2 °C (limit 8)',
      value: 9.2,
      threshold: 8,
      since: '2026-11-23T11:45:00.000Z',
      received: '1970-01-01T00:00:00.000Z',
      recorded: '1970-01-01T00:00:00.000Z',
      evidence: [{ ts: startMs + 15 * 60_000, temperature_c: 9.2 }],
    },
  })
})

test('the id is that of rule, version, device, start, transition and ordinal, and of nothing else', () => {
  const { id } = raised()
  expect(raised({ name: 'x', message: 'y', severity: 'info' }).id).toBe(id)
  expect(raised({ id: 'other' }).id).not.toBe(id)
  expect(raised({}, 4).id).not.toBe(id)
  expect(raised({}, 3, { ...fridge, id: 'fridge-2' }).id).not.toBe(id)
})

test('the message names device, value, limit, rule and labels of the device', () => {
  const device = { ...fridge, labels: { site: 'berlin', value: 'a label cannot stand in for the value' } }
  const message = '{device}|{value}|{threshold}|{rule}|{site}|{other}'
  expect(raised({ message }, 3, device).data.message).toBe('fridge-1|9.1|8|Too warm|berlin|{other}')
  const when = { kind: 'threshold', metric: 'temperature_c', outside: [2, 8] } as const
  expect(raised({ when, message: '{threshold}' }).data.message).toBe('2–8')
})
