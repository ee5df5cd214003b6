import { type PackRule, practiceNotStandard, type RulePack } from './rule-pack.ts'

const pack = 'indoor-air'
const types = ['room_sensor']
const uba = 'German Environment Agency (UBA), guide values for CO2 in indoor air, 2008'
const en16798 = 'EN 16798-1:2019, annex B (CO2 above outdoor)'
const who = 'WHO global air quality guidelines 2021'
/** Three quarters of a day at the profile's minute. */
const dayMean = { kind: 'aggregate', fn: 'mean', window: '24h', minCount: 1080 }

const hygiene = (limit: 1000 | 2000, severity: PackRule['severity'], text: string): PackRule => ({
  id: `indoor-air-co2-${limit}`,
  name: `CO2 above ${limit} ppm`,
  description: `CO2 above ${limit} ppm for 10 minutes: ${text}. It tells of ventilation, not of poison.`,
  class: 'health',
  severity,
  select: { types },
  when: { kind: 'threshold', metric: 'co2_ppm', above: limit, clear: limit - 50 },
  for: '10m',
  keepFor: '5m',
  message: '{device}: {value} ppm of CO2 (limit {threshold}). Open the windows.',
  labels: { pack, standard: uba },
})

/** Absolute limit = outdoor + step: outdoor is a label, and a sum no limit can be. */
const category = (name: 'I' | 'II' | 'III', stepPpm: number): PackRule => ({
  id: `indoor-air-co2-category-${name.toLowerCase()}`,
  name: `CO2 above category ${name}`,
  description: `CO2 more than ${stepPpm} ppm above outdoor (label outdoor_co2_ppm, else 420) for 15 minutes, for rooms designed to category ${name}: those with the label iaq_category = ${name}.`,
  class: 'health',
  severity: 'minor',
  select: { types, labels: { iaq_category: name } },
  when: {
    kind: 'expression',
    cel: `co2_ppm > (has(labels.outdoor_co2_ppm) ? double(labels.outdoor_co2_ppm) : 420.0) + ${stepPpm}.0`,
  },
  for: '15m',
  keepFor: '15m',
  message: `{device}: {value} ppm of CO2, more than ${stepPpm} above outdoor. Ventilate more.`,
  labels: { pack, standard: `${en16798}, category ${name}` },
})

const particles = (
  id: string,
  what: string,
  metric: string,
  limit: number,
  select: PackRule['select'],
): PackRule => ({
  id: `indoor-air-${id}-24h`,
  name: `${what} above ${limit} µg/m³ over 24 hours`,
  description: `Mean of 24 hours, which slide, above ${limit} µg/m³. Of fewer than 1,080 readings (three quarters of a day at one a minute) there is none: edit minCount for slower sensors. The guideline allows 3 to 4 such days a year.`,
  class: 'health',
  severity: 'warning',
  select,
  when: { ...dayMean, metric, above: limit },
  keepFor: '6h',
  message: `{device}: ${what} {value} µg/m³ over 24 hours (limit {threshold}). Find the source, filter, air.`,
  labels: { pack, standard: `${who}, ${what} 24-hour level` },
})

/** Air in rooms. */
export const indoorAir: RulePack = {
  name: pack,
  description:
    'CO2, particles, NO2 and humidity in rooms. PM10 and NO2 are for devices of any type that send pm10_ug_m3 or no2_ug_m3: no shipped profile lists them.',
  standards: [uba, en16798, who],
  rules: [
    hygiene(1000, 'warning', 'conspicuous'),
    hygiene(2000, 'major', 'unacceptable'),
    category('I', 550),
    category('II', 800),
    category('III', 1350),
    particles('pm25', 'PM2.5', 'pm25_ug_m3', 15, { types }),
    particles('pm10', 'PM10', 'pm10_ug_m3', 45, {}),
    particles('no2', 'NO2', 'no2_ug_m3', 25, {}),
    {
      id: 'indoor-air-humidity-24h',
      name: 'Humidity above 70 % over 24 hours',
      description:
        'Mean relative humidity of 24 hours above 70 %: mould grows. On cold walls it does at less. Of fewer than 1,080 readings there is no mean.',
      class: 'health',
      severity: 'warning',
      select: { types },
      when: { ...dayMean, metric: 'humidity_pct', above: 70 },
      keepFor: '6h',
      message: '{device}: {value} % relative humidity over 24 hours (limit {threshold}). Heat and air.',
      labels: { pack, standard: practiceNotStandard },
    },
  ],
}
