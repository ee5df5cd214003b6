import { badMeasurements } from './bad-measurements.ts'
import { badModels } from './bad-models.ts'
import { absent, type BadRule, badRules, Raw, type Row } from './bad-rule.ts'

const threshold = { kind: 'threshold', metric: 'temperature_c', above: 8 }

/** `depth` conditions within one another. */
function nested(depth: number): object {
  return depth === 1 ? threshold : { kind: 'not', of: nested(depth - 1) }
}

const brackets = (levels: number) => new Raw('['.repeat(levels) + ']'.repeat(levels))
const many = (count: number, item: unknown) => Array.from({ length: count }, () => item)
const labelled = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`label_${i}`, 'x']))

const wrongTypes: readonly Row[] = [
  ['a rule that is a list', '', [], 'expected object'],
  ['a rule that is text', '', 'corpus', 'expected object'],
  ['a rule that is null', '', null, 'expected object'],
  ['an id that is a number', '/id', 7, 'expected string'],
  ['no name', '/name', absent, 'expected string'],
  ['a name that is a list', '/name', ['a'], 'expected string'],
  ['a description that is a number', '/description', 1, 'expected string'],
  ['enabled that is text', '/enabled', 'yes', 'expected boolean'],
  ['no class', '/class', absent, 'maintenance'],
  ['a class that is none', '/class', 'comfort', 'maintenance'],
  ['no severity', '/severity', absent, 'critical'],
  ['a severity that is none', '/severity', 'MAJOR', 'critical'],
  ['select that is a list', '/select', ['fridge'], 'expected object'],
  ['types that is text', '/select/types', 'fridge', 'expected array'],
  ['a type that is a number', '/select/types/0', 3, 'expected string'],
  ['devices that is an object', '/select/devices', {}, 'expected array'],
  ['labels that is a list', '/select/labels', ['site'], 'expected record'],
  ['a label that is a number', '/select/labels', { floor: 3 }, 'expected string', ['/select/labels/floor']],
  ['no when', '/when', absent, 'expected a condition'],
  ['a when that is text', '/when', 'temperature_c > 8', 'expected a condition'],
  ['a when that is a list', '/when', [threshold], 'expected a condition'],
  ['a when without a kind', '/when/kind', absent, 'expected one of'],
  ['a kind that is a number', '/when/kind', 1, 'expected one of'],
  ['a kind that is none', '/when/kind', 'magic', 'expected one of'],
  ['a kind in capitals', '/when/kind', 'Threshold', 'expected one of'],
  ['a kind with the name of a method', '/when/kind', 'toString', 'expected one of'],
  ['escalate that is an object', '/escalate', { after: '2h', severity: 'critical' }, 'expected array'],
  ['a step that is text', '/escalate', ['2h'], 'expected object', ['/escalate/0']],
  ['gaps that is none', '/gaps', 'ignore', 'hold'],
  ['a wait that is a number', '/wait', 600, 'expected a duration'],
  ['suppressedBy that is text', '/suppressedBy', 'site-power-down', 'expected array'],
  ['suppressedBy that holds a rule', '/suppressedBy', [{ id: 'x' }], 'expected string', ['/suppressedBy/0']],
  ['actions that is an object', '/actions', {}, 'expected array'],
  [
    'a webhook without a URL',
    '/actions',
    [{ kind: 'webhook', secret: 's' }],
    'expected string',
    ['/actions/0/url'],
  ],
  [
    'an action of no kind there is',
    '/actions',
    [{ kind: 'mail', url: 'x' }],
    '"webhook"',
    ['/actions/0/kind'],
  ],
  [
    'more webhooks than a rule may have',
    '/actions',
    [1, 2, 3, 4, 5].map((n) => ({ kind: 'webhook', url: `https://example.org/${n}`, secret: 's' })),
    'at most 4 webhooks (actionsMax)',
  ],
  ['a message that is null', '/message', null, 'expected string'],
  ['rule labels that are a list', '/labels', [], 'expected record'],
  ['a rule label that is a number', '/labels', { year: 2013 }, 'expected string', ['/labels/year']],
]

const unknownFields: readonly Row[] = [
  ['of the rule', '/serverity', 'major', 'unknown field'],
  ['of the rule, in capitals', '/For', '15m', 'unknown field'],
  ['of the rule, empty', '/', 1, 'unknown field'],
  ['of the rule, with / and ~', '/a~1b~0c', 1, 'unknown field'],
  ['of select', '/select/type', 'fridge', 'unknown field'],
  ['of the condition', '/when/over', 9, 'unknown field'],
  [
    "of a limit's label",
    '/when/above',
    { label: 'x', default: 1, unit: 'C' },
    'unknown',
    ['/when/above/unit'],
  ],
  ["of a duration's label", '/for', { label: 'x', default: '1m', max: 1 }, 'unknown field', ['/for/max']],
  ['of a step', '/escalate', [{ after: '1h', severity: 'info', to: 'me' }], 'unknown', ['/escalate/0/to']],
  [
    'of the schedule',
    '/schedule',
    { timezone: 'UTC', weekly: [{ days: ['mon'], from: '00:00', to: '24:00' }], yearly: [] },
    'unknown',
    ['/schedule/yearly'],
  ],
]

const prototypes: readonly Row[] = [
  [
    '__proto__ of the rule',
    '/enabled',
    new Raw('true,"__proto__":{"enabled":false}'),
    'unknown field',
    ['/__proto__'],
  ],
  ['__proto__ twice', '/description', new Raw('"","__proto__":{},"__proto__":1'), 'unknown', ['/__proto__']],
  ['__proto__ of select', '/select', new Raw('{"__proto__":{"types":[]}}'), 'unknown', ['/select/__proto__']],
  ['__proto__ of the condition', '/when/above', new Raw('8,"__proto__":{}'), 'unknown', ['/when/__proto__']],
  ['__proto__ of labels', '/labels', new Raw('{"__proto__":"x"}'), 'unknown field', ['/labels/__proto__']],
  ['constructor of the rule', '/constructor', { name: 'x' }, 'unknown field'],
  ['constructor of the condition', '/when/constructor', 1, 'unknown field'],
  ['constructor of labels', '/labels', { constructor: 'x' }, 'unknown field', ['/labels/constructor']],
  [
    'constructor of selected labels',
    '/select/labels',
    { constructor: 'x' },
    'unknown',
    ['/select/labels/constructor'],
  ],
  ['prototype of the rule', '/prototype', {}, 'unknown field'],
  [
    'constructor.prototype',
    '/constructor',
    { prototype: {} },
    'unknown',
    ['/constructor', '/constructor/prototype'],
  ],
]

const tooMuch: readonly Row[] = [
  ['9 conditions within one another', '/when', nested(9), 'conditionDepthMax', [`/when${'/of'.repeat(8)}`]],
  [
    '1,500 conditions within one another',
    '/when',
    new Raw(deepText(1_500)),
    'conditionDepthMax',
    [`/when${'/of'.repeat(8)}`],
  ],
  ['51 conditions', '/when', { kind: 'all', of: many(50, threshold) }, 'conditionsMax', ['/when/of/49']],
  ['33 levels', '/description', brackets(32), 'nestingMax', [`/description${'/0'.repeat(31)}`]],
  ['20,000 levels', '/description', brackets(20_000), 'nestingMax', [`/description${'/0'.repeat(31)}`]],
  ['a name of 201 characters', '/name', 'a'.repeat(201), 'nameLengthMax'],
  ['a name of 10 kB', '/name', 'a'.repeat(10_240), 'nameLengthMax'],
  ['a description of 2,001', '/description', 'a'.repeat(2_001), 'descriptionLengthMax'],
  ['a message of 501', '/message', 'a'.repeat(501), 'messageLengthMax'],
  ['an id of 65', '/id', 'a'.repeat(65), 'a-z0-9'],
  [
    'a label name of 65',
    '/labels',
    { ['a'.repeat(65)]: 'x' },
    'labelNameLengthMax',
    [`/labels/${'a'.repeat(65)}`],
  ],
  ['a label value of 501', '/labels', { pack: 'a'.repeat(501) }, 'labelValueLengthMax', ['/labels/pack']],
  ['51 labels', '/labels', labelled(51), 'labelsMax'],
  ['51 selected labels', '/select/labels', labelled(51), 'labelsMax'],
  [
    'a selected label of 257 bytes',
    '/select/labels',
    { site: 'ä'.repeat(129) },
    '256',
    ['/select/labels/site'],
  ],
  ['101 types', '/select/types', many(101, 'fridge'), 'selectTypesMax'],
  ['10,001 devices', '/select/devices', many(10_001, 'f'), 'selectDevicesMax'],
  ['6 steps', '/escalate', many(6, { after: '1h', severity: 'info' }), 'escalateStepsMax'],
  ['21 suppressors', '/suppressedBy', many(21, 'x'), 'suppressedByMax'],
  ['a wait of a day and a second', '/wait', '86401s', 'waitMsMax'],
]

const hostileNames: readonly Row[] = [
  ['an empty name', '/name', '', 'blank'],
  ['a name of blanks', '/name', ' \u00a0\u3000', 'blank'],
  ['a zero byte in the name', '/name', 'a\u0000b', 'control'],
  ['a line break in the name', '/name', 'a\nb', 'control'],
  ['a terminal sequence in the name', '/name', '\u001b[2Jgone', 'control'],
  ['a C1 control in the name', '/name', 'a\u0085b', 'control'],
  ['a line separator in the name', '/name', 'a\u2028b', 'control'],
  ['half a surrogate pair in the name', '/name', new Raw('"warm \\ud83d"'), 'surrogate'],
  ['a right-to-left override in the name', '/name', 'fridge \u202egnp.exe', 'direction'],
  ['an isolate in the name', '/name', 'a\u2066b', 'direction'],
  ['a right-to-left mark in the name', '/name', 'a\u200fb', 'direction'],
  ['a bell in the description', '/description', 'ding\u0007', 'control'],
  ['an override in the message', '/message', '{device}\u202e', 'direction'],
  ['a line break in the message', '/message', '{device}\r\nX: 1', 'control'],
  ['a zero byte in a label', '/labels', { pack: 'a\u0000' }, 'control', ['/labels/pack']],
  ['half a pair in a label', '/labels', new Raw('{"pack":"\\udc00"}'), 'surrogate', ['/labels/pack']],
  ['a line break in the name of a label', '/labels', { 'a\nb': 'x' }, 'control', ['/labels/a\nb']],
  ['an empty name of a label', '/labels', { '': 'x' }, '1 character', ['/labels/']],
  [
    'a zero byte in a selected label',
    '/select/labels',
    { site: '\u0000' },
    'control',
    ['/select/labels/site'],
  ],
  ['an id with capitals', '/id', 'Fridge', 'a-z0-9'],
  ['an id with a path', '/id', '../../etc/passwd', 'a-z0-9'],
  ['an id with HTML', '/id', '<script>alert(1)</script>', 'a-z0-9'],
  ['an id with a line break at its end', '/id', 'corpus\n', 'a-z0-9'],
  ['an empty id', '/id', '', 'a-z0-9'],
  ['__proto__ as id', '/id', '__proto__', 'a-z0-9'],
  ['a type with a path', '/select/types/0', '../fridge', 'not a device type'],
  ['a type with the name of the prototype', '/select/types/0', '__proto__', 'not a device type'],
  ['a device with a wildcard', '/select/devices', ['ok', '#'], 'not a device id', ['/select/devices/1']],
  ['a device with a slash', '/select/devices', ['a/b'], 'not a device id', ['/select/devices/0']],
  ['a device with a line break', '/select/devices', ['a\nb'], 'not a device id', ['/select/devices/0']],
  [
    'a selected label with a slash',
    '/select/labels',
    { 'a/b': 'x' },
    'not a label name',
    ['/select/labels/a~1b'],
  ],
  [
    'a selected label called time',
    '/select/labels',
    { time: 'x' },
    'not a label name',
    ['/select/labels/time'],
  ],
  ['a suppressor with a wildcard', '/suppressedBy', ['*'], 'a-z0-9', ['/suppressedBy/0']],
  [
    'a limit from a label with a space',
    '/when/above',
    { label: 'max c', default: 8 },
    'label',
    ['/when/above/label'],
  ],
  ['a duration from a label with HTML', '/for', { label: '<b>', default: '1m' }, 'label', ['/for/label']],
]

const durations: readonly Row[] = [
  ['negative', '/for', '-15m', 'expected a duration'],
  ['with a space', '/for', '15 m', 'expected a duration'],
  ['infinite', '/for', '∞', 'expected a duration'],
  ['without a unit', '/for', '15', 'expected a duration'],
  ['without a number', '/for', 'm', 'expected a duration'],
  ['empty', '/for', 'EOF', 'expected a duration'],
  ['in capitals', '/for', '15M', 'expected a duration'],
  ['of two parts', '/for', '1h30m', 'expected a duration'],
  ['as ISO 8601', '/for', 'PT15M', 'expected a duration'],
  ['with an exponent', '/for', '1e9d', 'expected a duration'],
  ['of other digits', '/for', '１５m', 'expected a duration'],
  ['with a line break', '/for', '15m\n', 'expected a duration'],
  ['as a number', '/for', 900, 'expected a duration'],
  ['as null', '/for', null, 'expected a duration'],
  ['of 1,000,000,000 days', '/for', '1000000000d', 'expected a duration'],
  ['longer than any', '/for', '999999999d', 'durationDaysMax'],
  [
    'longer than any, from a label',
    '/for',
    { label: 'x', default: '99999d' },
    'durationDaysMax',
    ['/for/default'],
  ],
  ['from a label without a default', '/for', { label: 'x' }, 'expected a duration'],
  ['from a label with a number', '/for', { label: 'x', default: 15 }, 'expected a duration'],
  ['of keepFor, negative', '/keepFor', '-1s', 'expected a duration'],
  ['of keepFor, a list', '/keepFor', ['1s'], 'expected a duration'],
  ['of wait, negative', '/wait', '-1s', 'expected a duration'],
  ['of wait, from a label', '/wait', { label: 'x', default: '1m' }, 'expected a duration'],
]

const numbers: readonly Row[] = [
  ['beyond the largest', '/when/above', new Raw('1e999'), 'expected a number'],
  ['beyond the smallest', '/when/above', new Raw('-1e999'), 'expected a number'],
  ['in quotes', '/when/above', '8', 'expected a number'],
  ['true', '/when/above', true, 'expected a number'],
  ['null', '/when/above', null, 'expected a number'],
  [
    'from a label whose default is infinite',
    '/when/above',
    new Raw('{"label":"x","default":1e999}'),
    'expected a number',
  ],
  ['from a label without a default', '/when/above', { label: 'x' }, 'expected a number'],
]

const escalate = {
  escalate: [
    { after: '1h', severity: 'critical' },
    { after: '2h', severity: 'info' },
  ],
}
const steps: readonly Row[] = [
  ['at once', '/escalate/0/after', '0s', 'longer than zero'],
  ['no time', '/escalate/0/after', absent, 'expected a duration'],
  ['no severity', '/escalate/1/severity', absent, 'critical'],
  ['a severity that is none', '/escalate/1/severity', 'disaster', 'critical'],
  ['falling times', '/escalate/1/after', '30m', 'longer than that of the step before'],
  ['equal times', '/escalate/1/after', '60m', 'longer than that of the step before'],
  ['falling default of a label', '/escalate/1/after', { label: 'x', default: '1m' }, 'longer than that'],
  ["the rule's severity again", '/escalate/0/severity', 'major', 'is major before'],
  ['the same severity twice', '/escalate/1/severity', 'critical', 'is critical before'],
]

const schedule = {
  schedule: { timezone: 'Europe/Berlin', weekly: [{ days: ['mon'], from: '22:00', to: '06:00' }] },
}
const schedules: readonly Row[] = [
  ['that is a list', '', [], 'expected object'],
  ['without a time zone', '/timezone', absent, 'expected'],
  ['in a time zone that is none', '/timezone', 'Mars/Phobos', 'time zone'],
  ['in an empty time zone', '/timezone', '', 'time zone'],
  ['in a time zone that is a path', '/timezone', '../../etc/passwd', 'time zone'],
  ['in a time zone that is a number', '/timezone', 1, 'expected'],
  ['without weekly', '/weekly', absent, 'expected'],
  ['that is never in force', '/weekly', [], 'expected array to have >=1'],
  ['with a day that is none', '/weekly/0/days/0', 'monday', 'mon'],
  ['without days', '/weekly/0/days', [], 'expected array to have >=1'],
  ['with a from that is none', '/weekly/0/from', '25:00', '00:00 to 23:59'],
  ['with a from of 24:00', '/weekly/0/from', '24:00', '00:00 to 23:59'],
  ['with a to without zeros', '/weekly/0/to', '6:00', '00:00 to 24:00'],
  ['with a to of seconds', '/weekly/0/to', '06:00:00', '00:00 to 24:00'],
  ['with a to that is a number', '/weekly/0/to', 6, '00:00 to 24:00'],
  ['with an unknown field of a part', '/weekly/0/until', '06:00', 'unknown field'],
]

const others: readonly Row[] = [
  ['a suppressor twice', '/suppressedBy', ['a', 'b', 'a'], 'named twice', ['/suppressedBy/2']],
  ['itself as suppressor', '/suppressedBy', ['a', 'corpus'], 'on itself', ['/suppressedBy/1']],
  ['a metric that a fridge does not have', '/when/metric', 'voltage_v', 'fridge: no metric voltage_v'],
  ['a metric with the name of a method', '/when/metric', 'toString', 'no metric toString'],
  ['a placeholder that nothing fills', '/message', '{device} {vlaue}', '{vlaue}'],
  ['an empty placeholder', '/message', '{}', '{}'],
  ['a placeholder of the prototype', '/message', '{constructor}', '{constructor}'],
  ['a label that no fridge has', '/message', '{room}', '{room}'],
]

/** Every bad rule: what validateRule and HTTP must refuse, and why. */
export const corpus: readonly BadRule[] = [
  ...badRules('wrong type', {}, wrongTypes),
  ...badRules('unknown field', {}, unknownFields),
  ...badRules('prototype', {}, prototypes),
  ...badRules('too much', {}, tooMuch),
  ...badRules('hostile name', {}, hostileNames),
  ...badRules('duration', {}, durations),
  ...badRules('number', {}, numbers),
  ...badRules('escalation', escalate, steps),
  ...badRules('schedule', schedule, schedules, '/schedule'),
  ...badRules('field', {}, others),
  ...badMeasurements,
  ...badModels,
]

function deepText(depth: number): string {
  return `${'{"kind":"not","of":'.repeat(depth)}1${'}'.repeat(depth)}`
}
