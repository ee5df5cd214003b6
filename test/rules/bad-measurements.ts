import { aboveOrBelow, kind, measured, ofInner, onBoiler, positive, warm } from './bad-condition.ts'
import { absent, type BadRule, badRules, Raw } from './bad-rule.ts'

const threshold = [
  ...measured(warm, [
    ['no limit', '/above', absent, 'expected one of', ['']],
    ['above and below', '/below', 9, 'cannot stand beside above'],
    ['above and outside', '/outside', [2, 8], 'cannot stand beside above'],
    ['above and equals', '/equals', true, 'cannot stand beside above'],
    ['clear over the limit', '/clear', 8.5, 'must not be above the limit'],
    ['clear of two sides', '/clear', [7, 8], 'expected a number'],
    ['clear that is text', '/clear', '7', 'expected a number'],
    [
      'clear over the default',
      '',
      { ...warm, above: { label: 'x', default: 8 }, clear: 9 },
      'above',
      ['/clear'],
    ],
    [
      'clear under the lower limit',
      '',
      { ...warm, above: undefined, below: 2, clear: 1 },
      'below',
      ['/clear'],
    ],
    ['clear beside equals', '', { ...warm, above: undefined, equals: 1, clear: 0 }, 'only with', ['/clear']],
    ['equals that is null', '', { ...warm, above: undefined, equals: null }, 'Invalid', ['/equals']],
    [
      'equals with text of a number',
      '',
      { ...warm, above: undefined, equals: 'warm' },
      'never text',
      ['/equals'],
    ],
    [
      'equals 2 of a boolean',
      '',
      { ...warm, metric: 'door_open', above: undefined, equals: 2 },
      'true or false',
      ['/equals'],
    ],
    [
      'equals with text of a boolean',
      '',
      { ...warm, metric: 'door_open', above: undefined, equals: 'open' },
      'never text',
      ['/equals'],
    ],
    [
      'equals with 257 characters',
      '',
      { ...warm, above: undefined, equals: 'a'.repeat(257) },
      '256',
      ['/equals'],
    ],
  ]),
  ...badRules(
    'threshold outside',
    { when: { ...warm, above: undefined, outside: [2, 8], clear: [3, 7] } },
    [
      ['outside and inside', '/inside', [1, 2], 'cannot stand beside outside'],
      [
        'outside the wrong way round',
        '/outside',
        [8, 2],
        'the first number must be below',
        ['/outside', '/clear'],
      ],
      ['outside of nothing', '/outside', [5, 5], 'the first number must be below', ['/outside', '/clear']],
      ['outside of one number', '/outside', [5], 'expected [low, high]'],
      ['outside of three', '/outside', [1, 2, 3], 'expected [low, high]'],
      ['outside without end', '/outside/1', new Raw('1e999'), 'expected number'],
      ['outside that is a number', '/outside', 5, 'expected [low, high]'],
      ['one clear', '/clear', 5, 'expected [low, high] beside outside'],
      ['clear wider than outside', '/clear', [1, 7], 'expected a range within outside'],
      ['clear the wrong way round', '/clear', [7, 3], 'expected a range within outside'],
    ],
    '/when',
  ),
  ...badRules(
    'threshold of text',
    { ...onBoiler, when: { kind: 'threshold', metric: 'mode', equals: 'off' } },
    [
      ['a number', '/when/equals', 1, 'mode is text'],
      ['a boolean', '/when/equals', true, 'mode is text'],
      ['a text of more bytes than a reading holds', '/when/equals', 'ä'.repeat(200), '256 bytes'],
      ['above', '/when', { kind: 'threshold', metric: 'mode', above: 1 }, 'mode is text', ['/when/above']],
    ],
  ),
]

const rate = measured({ kind: 'rate', metric: 'temperature_c', per: '1m', above: 2, window: '10m' }, [
  ...aboveOrBelow,
  ['no per', '/per', absent, 'expected a duration'],
  ...positive('/per'),
  ...positive('/window'),
])

const aggregate = measured(
  { kind: 'aggregate', metric: 'power_w', fn: 'mean', window: '10m', above: 5000, minCount: 3 },
  [
    ...aboveOrBelow,
    ...positive('/window'),
    ['no window', '/window', absent, 'expected a duration'],
    ['no fn', '/fn', absent, 'expected'],
    ['a fn that is none', '/fn', 'average', 'mean'],
    ['a fn in capitals', '/fn', 'MEAN', 'mean'],
    ['a percentile under the half', '/fn', 'p49', 'p50'],
    ['a percentile over all', '/fn', 'p100', 'p99'],
    ['a broken percentile', '/fn', 'p99.9', 'p99'],
    ['a fn that is a number', '/fn', 95, 'expected'],
    ['a count of none', '/minCount', 0, '1'],
    ['a broken count', '/minCount', 1.5, 'int'],
    ['a count that is text', '/minCount', '3', 'expected'],
    ['what is plausible by one end', '/plausible', [1], 'expected [low, high]'],
    ['what is plausible upside down', '/plausible', [9, 1], 'below the second'],
  ],
)

const share = kind({ kind: 'share', of: warm, window: '7d', above: 0.05 }, [
  ...ofInner('/of'),
  ...positive('/window'),
  ['no window', '/window', absent, 'expected a duration'],
  ['no limit', '/above', absent, 'expected a number'],
  ['a limit that is text', '/above', '5 %', 'expected a number'],
  ['a limit that no share passes', '/above', 1, 'expected a share'],
  ['a limit in percent', '/above', 5, 'expected a share'],
  ['a limit under all', '/above', -0.1, 'expected a share'],
  ['below', '/below', 0.5, 'unknown field'],
  ['a list of conditions', '/of', [warm], 'expected a condition'],
])

const cumulative = kind(
  {
    kind: 'cumulative',
    of: warm,
    longerThan: '10h',
    reset: { kind: 'threshold', metric: 'door_open', equals: true },
  },
  [
    ...ofInner('/of'),
    ['no time', '/longerThan', absent, 'expected a duration'],
    ['a time that is none', '/longerThan', '10 h', 'expected a duration'],
    ['a time that is negative', '/longerThan', '-10h', 'expected a duration'],
    ['a reset that is true', '/reset', true, 'expected a condition'],
    ['a reset of a kind that is none', '/reset/kind', 'never', 'expected one of'],
    ['a reset that can never be', '/reset/equals', 2, 'true or false'],
    ['a reset with a metric that no fridge has', '/reset/metric', 'in_store', 'no metric in_store'],
  ],
)

const inverseTime = measured(
  {
    kind: 'inverse-time',
    metric: 'temperature_c',
    table: [
      { above: 8, for: '60m' },
      { above: 12, for: '10m' },
    ],
  },
  [
    ['no table', '/table', absent, 'expected'],
    ['a table without rows', '/table', [], 'expected array to have >=1'],
    ['a table that is an object', '/table', { 8: '60m' }, 'expected'],
    ['levels that fall', '/table/1/above', 7, 'above the level before'],
    ['levels that are equal', '/table/1/above', 8, 'above the level before'],
    ['times that rise', '/table/1/for', '61m', 'shorter than the time before'],
    ['times that are equal', '/table/1/for', '1h', 'shorter than the time before'],
    ['a row without a level', '/table/0/above', absent, 'expected a number'],
    ['a row without a time', '/table/0/for', absent, 'expected a duration'],
    ['a row with below', '/table/0/below', 1, 'unknown field'],
    ['a row that is a list', '/table/0', [8, '60m'], 'expected object'],
    ['a level without end', '/table/1/above', new Raw('1e999'), 'expected a number'],
  ],
)

const absence = [
  ...measured({ kind: 'absence', metric: 'temperature_c', longerThan: '10m' }, [
    ['no time', '/longerThan', absent, 'expected'],
    ...positive('/longerThan'),
    ['no intervals', '/longerThan', { intervals: 0 }, '>0', ['/longerThan/intervals']],
    ['negative intervals', '/longerThan', { intervals: -3 }, '>0', ['/longerThan/intervals']],
    ['intervals without end', '/longerThan', new Raw('{"intervals":1e999}'), 'expected'],
    ['intervals that are text', '/longerThan', { intervals: '3' }, 'expected'],
    ['both', '/longerThan', { intervals: 3, label: 'x', default: '1m' }, 'expected'],
  ]),
  ...badRules('absence', { when: { kind: 'absence', longerThan: '10m' } }, [
    ['gaps that reset', '/gaps', 'reset', 'absence waits for gaps'],
  ]),
]

const stuck = measured(
  { kind: 'stuck', metric: 'temperature_c', window: '6h', tolerance: 0.1, minCount: 3 },
  [
    ['no window', '/window', absent, 'expected a duration'],
    ...positive('/window'),
    ['a tolerance under zero', '/tolerance', -0.1, '0'],
    ['a tolerance that is text', '/tolerance', '0', 'expected'],
    ['a tolerance without end', '/tolerance', new Raw('1e999'), 'expected'],
    ['a count of none', '/minCount', 0, '1'],
    ['a broken count', '/minCount', 2.5, 'int'],
  ],
)

const counter = [
  ...measured({ kind: 'counter', metric: 'power_w', event: 'reset' }, [
    ['no event', '/event', absent, 'reset'],
    ['an event that is none', '/event', 'tamper', 'reset'],
    ['a rollover without max', '/event', 'rollover', 'needed for rollover', ['/max']],
    [
      'an implausible step without a bound',
      '/event',
      'implausible',
      'needed for implausible',
      ['/maxPerHour'],
    ],
    ['a max of zero', '/max', 0, '>0'],
    ['a max under zero', '/max', -1, '>0'],
    ['a max that is text', '/max', '999999', 'expected'],
    ['a bound beside a reset', '/maxPerHour', 5, 'only with implausible'],
    ['a tolerance beside a reset', '/tolerance', 5, 'only with reverse or implausible'],
    ['a tolerance under zero', '/tolerance', -1, '0'],
  ]),
  ...badRules(
    'counter',
    { when: { kind: 'counter', metric: 'power_w', event: 'implausible', maxPerHour: 50 } },
    [
      ['a bound under zero', '/when/maxPerHour', -1, 'must not be negative'],
      ['a bound that is text', '/when/maxPerHour', '50', 'expected a number'],
      ['a max beside a bound', '/when/max', 100, 'not with implausible'],
    ],
  ),
  ...badRules('counter', { when: { kind: 'counter', metric: 'power_w', event: 'rollover', max: 99_999 } }, [
    ['a rollover that must hold', '/for', '1m', 'a rollover is met at one reading'],
  ]),
]

/** Every field of the kinds that compare, count and sum readings. */
export const badMeasurements: readonly BadRule[] = [
  threshold,
  rate,
  aggregate,
  share,
  cumulative,
  inverseTime,
  absence,
  stuck,
  counter,
].flat()
