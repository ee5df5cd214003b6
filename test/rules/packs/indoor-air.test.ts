import { type PackCase, type Phase, readingsOf, testHealthy, testPack } from './pack-drive.ts'

const type = 'room_sensor'
const row = (
  rule: string,
  is: string,
  plays: readonly Phase[],
  says: readonly string[],
  more: Partial<PackCase> = {},
): PackCase => ({ rule: `indoor-air-${rule}`, is, every: '1m', plays, says, type, ...more })

const co2 = (co2_ppm: number) => ({ co2_ppm })

const hygiene = (limit: number): PackCase[] => [
  row(`co2-${limit}`, 'at the limit', [['3h', co2(limit)]], []),
  row(`co2-${limit}`, 'just under', [['3h', co2(limit - 1)]], []),
  row(`co2-${limit}`, 'just over, for exactly 10 minutes', [['11m', co2(limit + 1)]], ['raised 10m']),
  row(`co2-${limit}`, 'just over, for less', [['10m', co2(limit + 1)]], []),
  row(
    `co2-${limit}`,
    'cleared after 5 minutes 50 ppm under it',
    [
      ['11m', co2(limit + 1)],
      ['9m', co2(limit - 49)],
      ['6m', co2(limit - 50)],
    ],
    ['raised 10m', 'cleared 25m'],
  ),
]

const category = (name: string, stepPpm: number): PackCase[] => {
  const rule = `co2-category-${name.toLowerCase()}`
  const labels = { iaq_category: name }
  const outdoor = { labels: { ...labels, outdoor_co2_ppm: '450' } }
  return [
    row(rule, 'at outdoor and the step', [['3h', co2(420 + stepPpm)]], [], { labels }),
    row(rule, 'just under', [['3h', co2(419 + stepPpm)]], [], { labels }),
    row(rule, 'just over, for exactly 15 minutes', [['16m', co2(421 + stepPpm)]], ['raised 15m'], { labels }),
    row(rule, 'just over, for less', [['15m', co2(421 + stepPpm)]], [], { labels }),
    row(rule, 'at the outdoor air of the label', [['3h', co2(450 + stepPpm)]], [], outdoor),
    row(rule, 'just over that', [['16m', co2(451 + stepPpm)]], ['raised 15m'], outdoor),
    row(rule, 'a room of no category', [['3h', co2(3000)]], []),
  ]
}

/** Means of a day: the first of 1,080 readings. */
const dayMean = (rule: string, metric: string, limit: number, deviceType = type): PackCase[] => {
  const v = (value: number) => ({ [metric]: value })
  const more = { type: deviceType }
  return [
    row(rule, 'at the limit', [['26h', v(limit)]], [], more),
    row(rule, 'just under', [['26h', v(limit - 0.01)]], [], more),
    row(rule, 'just over, 1,080 readings', [['1080m', v(limit + 0.01)]], ['raised 1079m'], more),
    row(rule, 'just over, one reading fewer', [['1079m', v(limit + 0.01)]], [], more),
    row(
      rule,
      'two hours of much',
      [
        ['16h', v(limit / 2)],
        ['2h', v(limit * 1.5)],
        ['8h', v(limit / 2)],
      ],
      [],
      more,
    ),
  ]
}

testPack('indoor-air', [
  ...hygiene(1000),
  ...hygiene(2000),
  ...category('I', 550),
  ...category('II', 800),
  ...category('III', 1350),
  ...dayMean('pm25-24h', 'pm25_ug_m3', 15),
  ...dayMean('pm10-24h', 'pm10_ug_m3', 45, 'generic'),
  ...dayMean('no2-24h', 'no2_ug_m3', 25, 'generic'),
  ...dayMean('humidity-24h', 'humidity_pct', 70),
])

// A ventilated office: fresh at night, 850 ppm at work, and a cooked lunch.
testHealthy(
  'indoor-air',
  type,
  () => {
    const air = (co2_ppm: number, pm25_ug_m3: number, humidity_pct: number) => ({
      co2_ppm,
      pm25_ug_m3,
      humidity_pct,
      pm10_ug_m3: 2 * pm25_ug_m3,
      no2_ug_m3: 12,
    })
    return readingsOf('1m', [
      ['8h', air(430, 6, 45)],
      ['4h', air(850, 8, 50)],
      ['5m', air(1100, 60, 65)],
      ['55m', air(700, 40, 72)],
      ['5h', air(850, 8, 50)],
      ['8h', air(430, 6, 45)],
    ])
  },
  { iaq_category: 'I' },
)
