import { type PackRule, practiceNotStandard, type RulePack } from './rule-pack.ts'

const pack = 'wearables'
const notMedical = 'Not a medical device.'
const common = { class: 'health', select: { types: ['wearable'] } } as const
const news2 = 'RCP NEWS2 (2017), SpO2 scale 1'
const niosh = 'NIOSH 2016-106 (occupational exposure to heat)'

const worn = { kind: 'threshold', metric: 'on_wrist', equals: true }
/** `activity` as the shipped profile has it: what a body does under effort is no score's business. */
const atRest = {
  kind: 'any',
  of: ['sleep', 'sit'].map((activity) => ({ kind: 'threshold', metric: 'activity', equals: activity })),
}
const all = (...of: object[]) => ({ kind: 'all', of })

const score = (
  id: string,
  name: string,
  limit: object,
  severity: PackRule['severity'],
  suppressedBy: readonly string[],
  advice: string,
): PackRule => ({
  ...common,
  id: `wearables-news2-${id}`,
  name,
  description: `${notMedical} NEWS2 over the values of the last 15 minutes, at rest (activity sleep or sit) and on the wrist, for 5 minutes. Missing inputs give no points. Not under 16 years, not in pregnancy.`,
  severity,
  when: all({ kind: 'score', table: 'news2', ...limit, maxAge: '15m' }, atRest, worn),
  for: '5m',
  keepFor: '5m',
  suppressedBy,
  message: `{device}: ${advice} ${notMedical}`,
  labels: { pack, standard: news2 },
})

/** Vital signs from the wrist. */
export const wearables: RulePack = {
  name: pack,
  description: `${notMedical} Early warning score, desaturation, tachycardia at rest and heat strain from wearables. Needs activity and on_wrist; values off the wrist or under effort do not raise the rules that say so.`,
  standards: [news2, niosh],
  rules: [
    score('high', 'NEWS2 of 7 or more', { above: 6 }, 'critical', [], 'NEWS2 is {value}. Call for help now.'),
    score(
      'medium',
      'NEWS2 of 5 or 6',
      { above: 4 },
      'major',
      ['wearables-news2-high'],
      'NEWS2 is {value}. Have the person seen soon.',
    ),
    score(
      'single',
      'One vital sign with 3 points of NEWS2',
      { single: 3 },
      'minor',
      ['wearables-news2-high', 'wearables-news2-medium'],
      'one vital sign is far from normal. Have the person seen.',
    ),
    {
      ...common,
      id: 'wearables-desaturation',
      name: 'Low oxygen saturation',
      description: `${notMedical} SpO2 below 92 % for a minute, on the wrist. A wrist reads low when it is cold or moves.`,
      severity: 'critical',
      when: all({ kind: 'threshold', metric: 'spo2_pct', below: 92, clear: 93 }, worn),
      for: '1m',
      keepFor: '2m',
      message: `{device}: oxygen saturation is below 92 %. Look after the person. ${notMedical}`,
      labels: { pack, standard: practiceNotStandard },
    },
    {
      ...common,
      id: 'wearables-tachycardia-at-rest',
      name: 'Fast heart at rest',
      description: `${notMedical} More than 100 beats a minute (label resting_heart_rate_max_bpm) for 10 minutes at rest (activity sleep or sit) and on the wrist.`,
      severity: 'major',
      when: all(
        {
          kind: 'threshold',
          metric: 'heart_rate_bpm',
          above: { label: 'resting_heart_rate_max_bpm', default: 100 },
          clear: 95,
        },
        atRest,
        worn,
      ),
      for: '10m',
      keepFor: '5m',
      message: `{device}: the heart beats fast at rest. Look after the person. ${notMedical}`,
      labels: { pack, standard: practiceNotStandard },
    },
    {
      ...common,
      id: 'wearables-heat-heart-rate',
      name: 'Heart rate above 180 − age at work in heat',
      description: `${notMedical} Heart rate above 180 − age for 5 minutes, for devices with the labels heat_exposure = yes and age. For work in heat, not for sport.`,
      severity: 'major',
      select: { ...common.select, labels: { heat_exposure: 'yes' } },
      when: {
        kind: 'expression',
        cel: 'has(labels.age) && on_wrist && heart_rate_bpm > 180.0 - double(labels.age)',
        maxAge: '1m',
      },
      for: '5m',
      keepFor: '5m',
      message: `{device}: sustained heart rate above 180 − age. Stop work, cool down, drink. ${notMedical}`,
      labels: { pack, standard: niosh },
    },
    {
      ...common,
      id: 'wearables-core-temperature',
      name: 'Body temperature above 38.5 °C',
      description: `${notMedical} Body temperature above 38.5 °C for 5 minutes; set the label core_temperature_max_c to 38.0 for people who are not used to heat. Fever shows too.`,
      severity: 'major',
      when: {
        kind: 'threshold',
        metric: 'temperature_c',
        above: { label: 'core_temperature_max_c', default: 38.5 },
        clear: 38,
      },
      for: '5m',
      keepFor: '5m',
      message: `{device}: body temperature is {value} °C (limit {threshold}). Stop work, cool down. ${notMedical}`,
      labels: { pack, standard: niosh },
    },
  ],
}
