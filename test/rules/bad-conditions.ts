import type { Profile } from '../../domain/profile.ts'
import { absent, type BadRule, badRules, goodRule, Raw, type Row } from './bad-rule.ts'

/** Beside those that ship: readings every second, and a metric that is text. */
export const boiler: Profile = {
  type: 'boiler',
  strict: true,
  tags: ['floor'],
  expectedInterval: '1s',
  metrics: { mode: { kind: 'state', type: 'string' }, pressure_bar: { kind: 'gauge' } },
}

const warm = goodRule.when
const peers = { kind: 'peers', metric: 'temperature_c', by: 'site', k: 4, minPeers: 5, maxAge: '15m' }
type Condition = { readonly kind: string; readonly [field: string]: unknown }
const onBoiler = { select: { types: ['boiler'] } }

/** A condition of one kind that is good for fridges, with what is bad of it; places are below the condition. */
function kind(when: Condition, rows: readonly Row[], fields: object = {}): BadRule[] {
  return badRules(when.kind, { when, ...fields }, [...rows, ...ofAnyKind], '/when')
}

/** The same of a kind that reads a metric of its own. */
function measured(when: Condition, rows: readonly Row[], fields: object = {}): BadRule[] {
  return kind(when, [...ofAnyMetric, ...rows], fields)
}

const ofAnyKind: readonly Row[] = [
  ['an unknown field', '/colour', 'red', 'unknown field'],
  ['a field of Object.prototype', '/constructor', 1, 'unknown field'],
]
const ofAnyMetric: readonly Row[] = [
  ['a metric that is a number', '/metric', 7, 'expected string'],
  ['a metric that no fridge has', '/metric', 'voltage_v', 'fridge: no metric voltage_v'],
  ['a metric that can be none', '/metric', 'time', 'not a metric name'],
]
const aboveOrBelow: readonly Row[] = [
  ['no limit', '/above', absent, 'expected one of above, below', ['']],
  ['two limits', '/below', 1, 'cannot stand beside above'],
  ['an infinite limit', '/above', new Raw('1e999'), 'expected a number'],
  ['a limit that is text', '/above', '5', 'expected a number'],
]
const positive = (at: string): readonly Row[] => [
  [`${at} of zero`, at, '0s', 'longer than zero'],
  ...notNegative(at),
]
/** Zero is the same moment. */
const notNegative = (at: string): readonly Row[] => [
  [`${at} that is none`, at, 'soon', 'expected a duration'],
  [`${at} that is negative`, at, '-1h', 'expected a duration'],
  [`${at} that is a number`, at, 60, 'expected a duration'],
]
const ofInner = (at: string): readonly Row[] => [
  [`no ${at}`, at, absent, 'expected a condition'],
  [`${at} that is text`, at, 'temperature_c > 8', 'expected a condition'],
  [`${at} of a kind that is none`, `${at}/kind`, 'magic', 'expected one of'],
  [`${at} with an unknown field`, `${at}/over`, 1, 'unknown field'],
  [`${at} with a metric that no fridge has`, `${at}/metric`, 'voltage_v', 'no metric voltage_v'],
  [
    `a group within ${at}`,
    at,
    { kind: 'group', of: warm, atLeast: 2 },
    "rule's own condition",
    [`${at}/kind`],
  ],
  [`peers within ${at}`, at, peers, "rule's own condition", [`${at}/kind`]],
]

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

const score = [
  ...kind(
    {
      kind: 'score',
      table: { temperature_c: [{ upTo: 8, points: 0 }, { points: 3 }] },
      above: 2,
      maxAge: '15m',
    },
    [
      ['no table', '/table', absent, 'expected'],
      ['a table that is none', '/table', 'apache', 'news2'],
      ['a table without metrics', '/table', {}, '1 to 50 metrics'],
      [
        'a metric that no fridge has',
        '/table',
        { co2_ppm: [{ points: 1 }] },
        'no metric co2_ppm',
        ['/table/co2_ppm'],
      ],
      [
        'a metric that can be none',
        '/table',
        { time: [{ points: 1 }] },
        'not a metric name',
        ['/table/time'],
      ],
      [
        'a metric of the prototype',
        '/table',
        new Raw('{"constructor":[{"points":1}]}'),
        'unknown',
        ['/table/constructor'],
      ],
      ['a metric without rows', '/table/temperature_c', [], 'expected array to have >=1'],
      [
        'rows that fall',
        '/table/temperature_c',
        [{ upTo: 8, points: 0 }, { upTo: 7, points: 1 }, { points: 3 }],
        'above that of the row before',
        ['/table/temperature_c/1/upTo'],
      ],
      ['a last row with an end', '/table/temperature_c/1/upTo', 9, 'last'],
      [
        'a first row without an end',
        '/table/temperature_c/0/upTo',
        absent,
        'last',
        ['/table/temperature_c/0'],
      ],
      ['a row without points', '/table/temperature_c/0/points', absent, 'expected number'],
      ['points that are text', '/table/temperature_c/0/points', '3', 'expected number'],
      ['a row with an unknown field', '/table/temperature_c/0/from', 1, 'unknown field'],
      ['no limit', '/above', absent, 'expected one of above, single', ['']],
      ['two limits', '/single', 3, 'cannot stand beside above'],
      ['a limit that is text', '/above', '6', 'expected a number'],
      ...notNegative('/maxAge'),
    ],
  ),
  ...badRules(
    'score',
    { select: { types: ['wearable'] }, when: { kind: 'score', table: 'news2', above: 6 } },
    [
      [
        'of a type that has none of its inputs',
        '/select/types/0',
        'water_meter',
        'no metric',
        ['/when/table'],
      ],
    ],
  ),
]

const baseline = measured(
  {
    kind: 'baseline',
    metric: 'power_w',
    method: 'daily',
    window: '14d',
    k: 4,
    direction: 'both',
    warmup: '1d',
    minSpread: 1,
    timezone: 'Europe/Berlin',
  },
  [
    ['a method that is none', '/method', 'sigma', 'mad'],
    ['a direction that is none', '/direction', 'up', 'both'],
    ['k of zero', '/k', 0, '>0'],
    ['k under zero', '/k', -4, '>0'],
    ['k that is text', '/k', '4', 'expected'],
    ['k without end', '/k', new Raw('1e999'), 'expected'],
    ['a spread under zero', '/minSpread', -1, '>=0'],
    ['a warmup that is none', '/warmup', 'one day', 'expected a duration'],
    ['no window', '/window', absent, 'expected a duration'],
    ['a time zone that is none', '/timezone', 'Mars/Phobos', 'time zone'],
    ['an empty time zone', '/timezone', '', 'time zone'],
    ...positive('/window'),
  ],
)

const trend = measured(
  { kind: 'trend', metric: 'power_w', window: '14d', reaches: 10, within: '30d', minSamples: 8 },
  [
    ['no window', '/window', absent, 'expected a duration'],
    ['no level', '/reaches', absent, 'expected a number'],
    ['no time', '/within', absent, 'expected a duration'],
    ['a level that is text', '/reaches', '10 %', 'expected a number'],
    ['one sample', '/minSamples', 1, '2'],
    ['a broken number of samples', '/minSamples', 8.5, 'int'],
    ['more samples than a window has', '/minSamples', 49, '48'],
    ...positive('/window'),
    ...positive('/within'),
  ],
)

const ofPeers = measured(peers, [
  ['no label', '/by', absent, 'expected string'],
  ['a label that can be none', '/by', 'a/b', 'not a label name'],
  ['a label that is a list', '/by', ['site'], 'expected string'],
  ['k of zero', '/k', 0, '>0'],
  ['no peers', '/minPeers', 0, '>=1'],
  ['a broken number of peers', '/minPeers', 2.5, 'int'],
  ['a spread under zero', '/minSpread', -1, '>=0'],
  ...notNegative('/maxAge'),
])

const flapping = kind({ kind: 'flapping', of: { rule: 'door-open' }, above: 0.5, clear: 0.25 }, [
  ['no of', '/of', absent, 'connection'],
  ['of what is none', '/of', 'disk', 'connection'],
  ['of a rule whose id can be none', '/of/rule', 'Door Open', 'a-z0-9'],
  ['of a rule without an id', '/of/rule', absent, 'connection', ['/of']],
  ['of a rule and more', '/of/device', 'x', 'unknown field'],
  ['of itself', '/of/rule', 'corpus', 'on itself'],
  ['a clear over the limit', '/clear', 0.6, 'must not be above the limit'],
  ['a limit that is text', '/above', 'half', 'expected'],
  ['a limit that no share passes', '/above', 1, '<1'],
  ['a limit under zero', '/above', -0.5, '>=0', ['/above', '/clear']],
  ['a clear under zero', '/clear', -0.1, '>=0'],
])

const sequence = [
  ...kind(
    {
      kind: 'sequence',
      steps: [
        { when: { kind: 'threshold', metric: 'door_open', equals: true } },
        { when: warm, within: '5m' },
      ],
    },
    [
      ['no steps', '/steps', absent, 'expected array'],
      ['one step', '/steps', [{ when: warm }], '2'],
      ['eleven steps', '/steps', Array.from({ length: 11 }, () => ({ when: warm })), '10'],
      ['a step without when', '/steps/1/when', absent, 'expected a condition'],
      [
        'a step that is a condition',
        '/steps/1',
        warm,
        'expected a condition',
        ['/steps/1/when', '/steps/1/kind', '/steps/1/metric', '/steps/1/above'],
      ],
      ['a step with an unknown field', '/steps/1/after', '5m', 'unknown field'],
      ['a step with a metric that no fridge has', '/steps/1/when/metric', 'voltage_v', 'no metric voltage_v'],
      ['a step of a kind that is none', '/steps/0/when/kind', 'magic', 'expected one of'],
      [
        'a step of a group',
        '/steps/0/when',
        { kind: 'group', of: warm, atLeast: 2 },
        "rule's own condition",
        ['/steps/0/when/kind'],
      ],
      ['a first step within a time', '/steps/0/within', '5m', 'first'],
      ...notNegative('/steps/1/within'),
    ],
  ),
  ...badRules(
    'sequence',
    {
      when: {
        kind: 'sequence',
        steps: [{ when: warm }, { when: { kind: 'threshold', metric: 'door_open', equals: true } }],
      },
    },
    [
      ['that must hold', '/for', '1m', 'a sequence is met at one reading'],
      [
        'that must hold, by a label',
        '/for',
        { label: 'x', default: '1m' },
        'a sequence is met at one reading',
      ],
    ],
  ),
]

const several = ['all', 'any'].flatMap((name) =>
  kind({ kind: name, of: [warm, { kind: 'threshold', metric: 'door_open', equals: false }] }, [
    ['of none', '/of', [], 'expected array to have >=1'],
    ['no of', '/of', absent, 'expected array'],
    ['of one that is not in a list', '/of', warm, 'expected array'],
    ['of text', '/of/0', 'warm', 'expected a condition'],
    ['of a metric that no fridge has', '/of/1/metric', 'voltage_v', 'no metric voltage_v'],
    ['of a kind that is none', '/of/1/kind', 'xor', 'expected one of'],
    ['of what can never be', '/of/1/equals', 'open', 'never text'],
    ['of peers', '/of/0', peers, "rule's own condition", ['/of/0/kind']],
    [
      'of a group in a not',
      '/of/0',
      { kind: 'not', of: { kind: 'group', of: warm, atLeast: 2 } },
      "rule's own condition",
      ['/of/0/of/kind'],
    ],
    [
      'of an unknown field in a not',
      '/of/0',
      { kind: 'not', of: warm, by: 'x' },
      'unknown field',
      ['/of/0/by'],
    ],
    [
      'of a contradiction in a not',
      '/of/0',
      { kind: 'not', of: { ...warm, clear: 9 } },
      'above the limit',
      ['/of/0/of/clear'],
    ],
  ]),
)

const not = kind({ kind: 'not', of: warm }, [
  ...ofInner('/of'),
  ['of a list', '/of', [warm], 'expected a condition'],
])

const group = [
  ...kind({ kind: 'group', of: warm, by: 'site', atLeast: 10 }, [
    ...ofInner('/of'),
    ['no limit', '/atLeast', absent, 'expected one of atLeast, share', ['']],
    ['two limits', '/share', 0.2, 'cannot stand beside atLeast'],
    ['at least none', '/atLeast', 0, '1'],
    ['at least a part of one', '/atLeast', 1.5, 'int'],
    ['a number that is text', '/atLeast', '10', 'expected'],
    ['a label that can be none', '/by', 'a b', 'not a label name'],
    ['a label that is true', '/by', true, 'expected string'],
  ]),
  ...badRules('group', { when: { kind: 'group', of: warm, share: 0.2 } }, [
    ['a share that none passes', '/when/share', 1, '<1'],
    ['a share in percent', '/when/share', 20, '<1'],
    ['a share under zero', '/when/share', -0.2, '>=0'],
    ['a share that is text', '/when/share', '20 %', 'expected'],
  ]),
]

const expression = kind({ kind: 'expression', cel: 'temperature_c > 8.0 && !door_open', maxAge: '15m' }, [
  ['no text', '/cel', absent, 'expected string'],
  ['text that is a number', '/cel', 1, 'expected string'],
  ['empty', '/cel', '', 'EOF'],
  ['what does not parse', '/cel', 'temperature_c >', 'EOF'],
  ['an open bracket', '/cel', '(temperature_c > 8.0', 'RPAREN'],
  ['a metric that no fridge has', '/cel', 'voltage_v > 8.0', 'voltage_v'],
  ['a number alone', '/cel', 'temperature_c + 1.0', 'not true or false'],
  ['a number as text', '/cel', 'temperature_c == "warm"', 'double == string'],
  ['a number against a boolean', '/cel', 'door_open > 8.0', 'bool > double'],
  ['a number as a condition', '/cel', 'temperature_c && door_open', "got 'double'"],
  ['an integer against a double', '/cel', 'temperature_c > 8', 'write 8.0'],
  ['a function that is none', '/cel', 'system("rm") == 1.0', 'no function system'],
  ['matches', '/cel', 'device.matches("^(a+)+$")', 'no function matches'],
  ['a loop', '/cel', '[1, 2, 3].map(x, x * 2).size() > 0', 'no function map'],
  ['exists', '/cel', '[1.0].exists(x, x < temperature_c)', 'no function exists'],
  ['too long', '/cel', `${'temperature_c > 8.0 && '.repeat(500)}door_open`, 'longer than 1000'],
  ['too deep', '/cel', `${'('.repeat(400)}door_open${')'.repeat(400)}`, 'maxDepth'],
  ['a global object', '/cel', 'constructor.constructor("return 1")() == 1', 'Unexpected character'],
  ['labels that are a number', '/cel', 'labels > 1.0', 'map<string, string> > double'],
  ...notNegative('/maxAge'),
])

const windows = [
  ...badRules(
    'window',
    { ...onBoiler, when: { kind: 'aggregate', metric: 'pressure_bar', fn: 'max', window: '1d', above: 3 } },
    [
      ['of an aggregate', '/when/window', '2d', 'windowReadingsMax'],
      [
        'of an aggregate, from a label',
        '/when/window',
        { label: 'x', default: '2d' },
        'windowReadingsMax',
        ['/when/window/default'],
      ],
      ['of a metric that is text', '/when/metric', 'mode', 'mode is text'],
    ],
  ),
  ...badRules('window', { ...onBoiler, when: { kind: 'stuck', metric: 'pressure_bar', window: '1d' } }, [
    ['of stuck', '/when/window', '2d', 'windowReadingsMax'],
    ['of stuck, of a metric that is text', '/when/metric', 'mode', 'mode is text'],
  ]),
  ...badRules(
    'window',
    { ...onBoiler, when: { kind: 'rate', metric: 'pressure_bar', per: '1m', window: '1d', above: 3 } },
    [['of a rate', '/when/window', '2d', 'windowReadingsMax']],
  ),
  ...badRules(
    'window',
    {
      ...onBoiler,
      when: {
        kind: 'share',
        of: { kind: 'threshold', metric: 'pressure_bar', above: 3 },
        window: '7d',
        above: 0.1,
      },
    },
    [['of a share', '/when/window', '12d', 'shareReadingsMax']],
  ),
  ...badRules(
    'window',
    { ...onBoiler, when: { kind: 'not', of: { kind: 'stuck', metric: 'pressure_bar', window: '1d' } } },
    [['within another', '/when/of/window', '2d', 'windowReadingsMax']],
  ),
]

/** Every field of every kind. */
export const badConditions: readonly BadRule[] = [
  threshold,
  rate,
  aggregate,
  share,
  cumulative,
  inverseTime,
  absence,
  stuck,
  counter,
  score,
  baseline,
  trend,
  ofPeers,
  flapping,
  sequence,
  several,
  not,
  group,
  expression,
  windows,
].flat()
