import { expect, test } from 'vitest'
import { alarmId, type EventFacts, toEvent } from '../../rules/alarm-events.ts'
import type { StoredRule } from '../../rules/rule.ts'
import { fridge, rule, startMs } from './alarm-fixture.ts'

const facts: EventFacts = {
  rule,
  device: fridge,
  state: 'raised',
  time: startMs + 15 * 60_000,
  since: startMs,
  ordinal: 1,
  receivedAt: startMs + 16 * 60_000,
  recordedAt: startMs + 17 * 60_000,
  metric: 'temperature_c',
  value: 9.2,
  threshold: 8,
}

const event = (given: Partial<EventFacts> = {}) => toEvent({ ...facts, ...given })
const ruleWith = (fields: Partial<StoredRule>) => ({ rule: { ...rule, ...fields } })

test('an event is a CloudEvent of the contract', () => {
  expect(event()).toEqual({
    specversion: '1.0',
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    source: '/rules/too-warm',
    type: 'tidemark.maintenance.raised.v1',
    subject: 'fridge-1',
    time: '2026-11-23T12:15:00.000Z',
    datacontenttype: 'application/json',
    data: {
      alarm: alarmId('too-warm', 'fridge-1'),
      rule: 'too-warm',
      ruleVersion: 3,
      device: 'fridge-1',
      deviceType: 'fridge',
      class: 'maintenance',
      severity: 'minor',
      state: 'raised',
      message: 'fridge-1 is 9.2 °C (limit 8)',
      value: 9.2,
      threshold: 8,
      since: '2026-11-23T12:00:00.000Z',
      received: '2026-11-23T12:16:00.000Z',
      recorded: '2026-11-23T12:17:00.000Z',
      evidence: [{ ts: startMs + 15 * 60_000, temperature_c: 9.2 }],
    },
  })
})

test('the id is that of rule, version, device, start, transition and ordinal, and of nothing else', () => {
  const { id } = event()
  expect(event(ruleWith({ name: 'x', message: 'y', severity: 'info' })).id).toBe(id)
  const others: Partial<EventFacts>[] = [
    { time: 0 },
    { recordedAt: 0 },
    { value: 1 },
    { severity: 'critical' },
  ]
  for (const given of others) expect(event(given).id, JSON.stringify(given)).toBe(id)
  const ids = [
    ruleWith({ id: 'other' }),
    ruleWith({ version: 4 }),
    { device: { ...fridge, id: 'fridge-2' } },
    { since: startMs + 1 },
    { state: 'escalated' } as const,
    { ordinal: 2 },
  ].map((given) => event(given).id)
  expect(new Set([id, ...ids]).size).toBe(7)
})

test('an escalation has a severity of its own', () => {
  const { type, data } = event({ state: 'escalated', severity: 'critical' })
  expect([type, data.severity, data.state]).toEqual([
    'tidemark.maintenance.escalated.v1',
    'critical',
    'escalated',
  ])
})

test('evidence that is given stands in place of the reading', () => {
  const evidence = [{ ts: 1, spo2_pct: 90 }, { missing: 'heart_rate_bpm' }]
  expect(event({ evidence }).data.evidence).toEqual(evidence)
})

test('a group stands where a device does', () => {
  const { subject, data } = event({ device: { id: 'site=berlin', type: '', labels: { site: 'berlin' } } })
  expect([subject, data.device, data.deviceType, data.alarm, data.message]).toEqual([
    'site=berlin',
    'site=berlin',
    '',
    alarmId('too-warm', 'site=berlin'),
    'site=berlin is 9.2 °C (limit 8)',
  ])
})

test('the message names device, value, limit, rule and labels of the device', () => {
  const device = { ...fridge, labels: { site: 'berlin', value: 'a label cannot stand in for the value' } }
  const message = '{device}|{value}|{threshold}|{rule}|{site}|{other}'
  const filled = event({ device, ...ruleWith({ message }) }).data.message
  expect(filled).toBe('fridge-1|9.2|8|Too warm|berlin|{other}')
  expect(event({ threshold: [2, 8], ...ruleWith({ message: '{threshold}' }) }).data.message).toBe('2–8')
})
