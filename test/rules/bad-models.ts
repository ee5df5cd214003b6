import { kind, measured, notNegative, ofInner, onBoiler, peers, positive, warm } from './bad-condition.ts'
import { absent, type BadRule, badRules, Raw } from './bad-rule.ts'

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

const repeated = kind({ kind: 'repeated', of: warm, times: 3, for: '10s' }, [
  ...ofInner('/of'),
  ...notNegative('/for'),
  ['no number of times', '/times', absent, 'expected'],
  ['once', '/times', 1, '2'],
  ['a broken number of times', '/times', 2.5, 'int'],
  ['more times than are counted', '/times', 1_001, '1000'],
  ['a number of times that is text', '/times', '3', 'expected'],
  [
    'of a sequence',
    '/of',
    { kind: 'sequence', steps: [{ when: warm }, { when: warm }] },
    'never repeated',
    ['/of'],
  ],
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
  ['labels that are a number', '/cel', 'labels > 1.0 && m > 1.0', 'map<string, string> > double'],
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

/** Every field of the kinds that learn, combine conditions, or look at several devices. */
export const badModels: readonly BadRule[] = [
  score,
  baseline,
  trend,
  ofPeers,
  flapping,
  sequence,
  several,
  not,
  repeated,
  group,
  expression,
  windows,
].flat()
