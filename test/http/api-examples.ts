/** A request that docs/API.md shows. The test of the page sends each, in this order, to a platform that has begun with nothing. */
export interface Example {
  readonly section: string
  readonly method: string
  /** Below `/api/v1`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

const rule = {
  id: 'voltage-too-high',
  name: 'Voltage too high',
  class: 'maintenance',
  severity: 'major',
  select: { types: ['smart_meter'] },
  when: { kind: 'threshold', metric: 'voltage_v', above: 253, clear: 250 },
  for: '10m',
}
const sample = (ts: number, voltage_v: number) => ({
  device: 'meter-1',
  type: 'smart_meter',
  ts,
  values: { voltage_v },
})
const samples = [sample(1_732_000_000_000, 254), sample(1_732_000_600_000, 255)]
const window = {
  select: { labels: { site: 'berlin' } },
  from: '2026-11-23T22:00:00Z',
  to: '2026-11-24T04:00:00Z',
  reason: 'new cables',
}
const secret = 'a secret of your own, 16 or more'

export const examples: readonly Example[] = [
  {
    section: 'devices',
    method: 'POST',
    path: '/devices',
    headers: { 'Idempotency-Key': '5b1e3f0c-6d0f-4f0e-9d6c-0b3a6f6f2a11' },
    body: { id: 'meter-1', type: 'smart_meter', labels: { site: 'berlin' } },
  },
  { section: 'devices', method: 'GET', path: '/devices?type=smart_meter&label.site=berlin&limit=100' },
  { section: 'profiles', method: 'GET', path: '/profiles/smart_meter' },
  {
    section: 'profiles',
    method: 'PUT',
    path: '/profiles/pump',
    body: {
      strict: false,
      tags: ['site'],
      expectedInterval: '1m',
      metrics: { pressure_bar: { unit: 'bar', kind: 'gauge', min: 0, max: 16 } },
    },
  },
  { section: 'rules', method: 'POST', path: '/rules', body: rule },
  {
    section: 'rules',
    method: 'PATCH',
    path: '/rules/voltage-too-high',
    headers: { 'If-Match': '"1"' },
    body: { for: '15m' },
  },
  {
    section: 'rules',
    method: 'POST',
    path: '/rules:test',
    body: { rule, samples, until: 1_732_000_700_000 },
  },
  {
    section: 'rules',
    method: 'POST',
    path: '/rules:install',
    body: { pack: 'indoor-air', select: { labels: { site: 'berlin' } } },
  },
  {
    section: 'readings',
    method: 'GET',
    path: '/readings?device=meter-1&metric=voltage_v&from=2026-11-23&every=1h&fn=max',
  },
  {
    section: 'analytics',
    method: 'GET',
    path: '/analytics/series?type=smart_meter&metric=active_power_w&by=site&fn=sum',
  },
  { section: 'events', method: 'GET', path: '/events?after=00000000000000000000&class=maintenance' },
  { section: 'alarms', method: 'GET', path: '/alarms?state=active&severity=major' },
  { section: 'maintenance-windows', method: 'POST', path: '/maintenance-windows', body: window },
  { section: 'dead-letters', method: 'GET', path: '/dead-letters?reason=value.wrong_type&order=newest' },
  {
    section: 'dead-letters',
    method: 'POST',
    path: '/dead-letters:replay',
    body: { reason: 'value.wrong_type' },
  },
  { section: 'export and import', method: 'GET', path: '/export' },
  {
    section: 'tokens',
    method: 'POST',
    path: '/tokens',
    body: { name: 'grafana', role: 'read', expiresAt: '2027-11-23T00:00:00Z' },
  },
  {
    section: 'webhooks',
    method: 'POST',
    path: '/webhooks',
    body: {
      id: 'pager',
      url: 'https://hooks.example.com/tidemark',
      secret,
      severities: ['critical', 'major'],
    },
  },
  { section: 'webhooks', method: 'GET', path: '/webhooks/pager' },
  { section: 'audit', method: 'GET', path: '/audit?action=rule.updated&order=newest' },
  { section: 'operation', method: 'GET', path: '/stats' },
]
