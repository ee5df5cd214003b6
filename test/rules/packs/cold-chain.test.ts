import { healthyDay, type PackCase, type Phase, testHealthy, testPack } from './pack-drive.ts'

const type = 'fridge'
const row = (
  rule: string,
  is: string,
  plays: readonly Phase[],
  says: readonly string[],
  more: Partial<PackCase> = {},
): PackCase => ({ rule: `cold-chain-${rule}`, is, every: '1m', plays, says, type, ...more })

const c = (temperature_c: number) => ({ temperature_c })
const on = { compressor_on: true }
const off = { compressor_on: false }
const type1 = { labels: { shipment: 'yes' } }
const type2 = { labels: { shipment: 'yes', shipment_type: '2' } }

testPack('cold-chain', [
  row('fridge-too-warm', 'at 8 °C', [['3h', c(8)]], []),
  row('fridge-too-warm', 'just under', [['3h', c(7.99)]], []),
  row('fridge-too-warm', 'just over, for exactly 15 minutes', [['16m', c(8.01)]], ['raised 15m']),
  row('fridge-too-warm', 'just over, for less', [['15m', c(8.01)]], []),
  row(
    'fridge-too-warm',
    'escalated after 2 hours, cleared after 5 minutes at 7.5 °C',
    [
      ['136m', c(9)],
      ['6m', c(7.5)],
    ],
    ['raised 15m', 'escalated 135m', 'cleared 141m'],
  ),
  row('fridge-too-cold', 'at 2 °C', [['3h', c(2)]], []),
  row('fridge-too-cold', 'just over', [['3h', c(2.01)]], []),
  row('fridge-too-cold', 'just under, for exactly 15 minutes', [['16m', c(1.99)]], ['raised 15m']),
  row('fridge-too-cold', 'just under, for less', [['15m', c(1.99)]], []),
  row(
    'compressor-duty',
    'exactly 0.6 of the least readings',
    [
      ['48m', off],
      ['72m', on],
    ],
    [],
  ),
  row(
    'compressor-duty',
    'just over',
    [
      ['48m', off],
      ['73m', on],
    ],
    ['raised 2h'],
  ),
  row('compressor-duty', 'one reading fewer than are needed', [['119m', on]], []),
  row(
    'compressor-duty',
    'exactly 0.6 of 3 hours',
    [
      ['72m', off],
      ['108m', on],
      ['72m', off],
      ['108m', on],
    ],
    [],
  ),
  row('door-open', 'exactly 5 minutes', [['6m', { door_open: true }]], ['raised 5m']),
  row('door-open', 'less', [['5m', { door_open: true }]], []),
  row(
    'door-open',
    'closed again',
    [
      ['6m', { door_open: true }],
      ['1m', { door_open: false }],
    ],
    ['raised 5m', 'cleared 6m'],
  ),
  row('shipment-45', 'at 45 °C for exactly an hour', [['61m', c(45)]], ['raised 1h'], type1),
  row('shipment-45', 'just over 45 °C', [['61m', c(45.1)]], ['raised 1h'], type1),
  row('shipment-45', 'at 45 °C for less', [['60m', c(45)]], [], type1),
  row('shipment-45', 'just under 45 °C', [['3h', c(44.9)]], [], type1),
  row('shipment-45', 'no shipment', [['3h', c(50)]], []),
  row('shipment-freeze', 'at −0.5 °C for exactly an hour', [['61m', c(-0.5)]], ['raised 1h'], type2),
  row('shipment-freeze', 'just under −0.5 °C', [['61m', c(-0.6)]], ['raised 1h'], type2),
  row('shipment-freeze', 'at −0.5 °C for less', [['60m', c(-0.5)]], [], type1),
  row('shipment-freeze', 'just over −0.5 °C', [['3h', c(-0.4)]], [], type1),
  row(
    'shipment-30',
    'at 30 °C for 10 hours in two parts',
    [
      ['5h', c(30)],
      ['24h', c(5)],
      ['301m', c(30)],
    ],
    ['raised 34h'],
    type1,
  ),
  row(
    'shipment-30',
    'at 30 °C for less',
    [
      ['5h', c(30)],
      ['24h', c(5)],
      ['300m', c(30)],
    ],
    [],
    type1,
  ),
  row('shipment-30', 'just under 30 °C', [['20h', c(29.9)]], [], type1),
  row('shipment-10', 'at 10 °C for exactly 20 hours', [['1201m', c(10)]], ['raised 20h'], type2),
  row('shipment-10', 'at 10 °C for less', [['1200m', c(10)]], [], type2),
  row('shipment-10', 'just under 10 °C', [['30h', c(9.9)]], [], type2),
  row('shipment-10', 'of type 1', [['30h', c(20)]], [], type1),
])

for (const seed of [1, 2]) testHealthy('cold-chain', type, () => healthyDay(type, seed), type2.labels)
