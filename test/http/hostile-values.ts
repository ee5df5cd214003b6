import fc from 'fast-check'
import { encodeCursor } from '../../http/paging.ts'

/** Stands for arrays in arrays, deeper than what makes the text could follow. */
export const deepMark = '@deep@'
export const deep = '['.repeat(20_000) + ']'.repeat(20_000)

export const hostileText = fc.constantFrom(
  ...[
    '',
    ' ',
    '.',
    '..',
    '*',
    ',',
    ':',
    '/',
    '\\',
    '%',
    '%zz',
    '%00',
    '"',
    "'",
    '{}',
    '\u0000',
    '\n',
    '\ud800',
    'a\udfff',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'prototype',
    'é',
    '🦩',
    '<script>',
    '../../x',
    '$',
    'a,b,,',
  ],
  ...[
    'null',
    'NaN',
    '-1',
    '0',
    '1e999',
    '9'.repeat(400),
    '0x10',
    '1.5',
    '-0',
    '9007199254740993',
    '8640000000000001',
  ],
  ...[
    '2026-02-30T25:61:61Z',
    '2026-13-01',
    '0000-01-01T00:00:00Z',
    '+275760-09-13T00:00:00.001Z',
    '9999-12-31T23:59:59Z',
  ],
  ...[
    'P1D',
    '0s',
    '-1h',
    '1e9d',
    '999999999999999d',
    '1ms',
    'x'.repeat(101),
    'x'.repeat(10_000),
    '(a+)+$',
    '[[[[',
  ],
  ...[
    '0 0 x',
    '-1',
    '9007199254740993',
    '1 1 ',
    ' ',
    '\u0000',
    '__proto__',
    '9999999999999999',
    '1 9999999999999999 a',
  ].map(encodeCursor),
)
export const hostileNumber = fc.constantFrom(
  ...[
    0,
    -0,
    -1,
    0.5,
    1e-320,
    1e21,
    1e308,
    -1e308,
    2 ** 31,
    2 ** 53,
    2 ** 53 + 2,
    8.64e15 + 1,
    -8.64e15 - 1,
    Number.NaN,
  ],
)
export const hostileName = fc.constantFrom(
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '',
  ' ',
  'id',
  'extra',
  '\ud800',
)
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  hostileNumber,
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], [{}], deepMark, new Array(2_000).fill(0)),
  fc.dictionary(hostileName, fc.oneof(hostileText, hostileNumber), { maxKeys: 3 }).map(ownFields),
  fc.jsonValue({ maxDepth: 3 }),
)

/** Bodies that are no JSON, or JSON that parsers have stumbled over. */
export const hostileBody = fc.constantFrom<string | Buffer>(
  ...[
    '',
    ' ',
    '{',
    '[',
    '"',
    'null',
    'true',
    '0',
    '[]',
    '{}',
    '""',
    '1e400',
    '[1e400]',
    '\ufeff{}',
    '{"a":1}x',
    "{'a':1}",
  ],
  ...[
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":{"a":1}}}',
    '{"\\u005f_proto__":1}',
    '{"id":"a","id":"b"}',
  ],
  ...[
    '"\\ud800"',
    '{"id":"\\ud800","type":"\\u0000"}',
    deep,
    `{"rules":${deep}}`,
    'x'.repeat(70_000),
    'a=b&c[d]=e',
  ],
  ...['{"id":"n-1","type":"generic"}\n\n{"id":\n[]\nnull\n"x"\n{"id":5}\n', '\n\n\n', '\u0000\n\ud800\n'],
  Buffer.from([0xff, 0xfe, 0x00, 0x7b, 0x7d]),
  Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]),
)

export const hostileAuthorization = fc.constantFrom(
  '',
  'Bearer',
  'Bearer ',
  'Basic YTpi',
  'Bearer __proto__',
  'bearer x y',
  'x'.repeat(5_000),
)

export const hostileHeaders = fc.record(
  {
    'if-match': fc.constantFrom(
      '*',
      '"1"',
      '1',
      '"2", "1"',
      'W/"1"',
      '',
      '"',
      '""',
      '-1',
      '"1e3"',
      '9'.repeat(400),
      'x',
    ),
    'content-type': fc.constantFrom(
      ...[
        'application/json',
        'application/json; charset=utf-8',
        'application/json;charset=utf-16',
        'text/plain',
        'x',
        '',
      ],
      ...[
        'application/x-ndjson',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'application/merge-patch+json',
      ],
      ...[';;', 'application/json, text/plain', '__proto__'],
    ),
    accept: fc.constantFrom('text/html', '*/*', 'x', ''),
    'x-request-id': fc.constantFrom('', 'own-1', 'x'.repeat(500), '<b>', '__proto__'),
    'idempotency-key': fc.constantFrom('', '"a"', 'a', '"', 'x'.repeat(500), '__proto__'),
    'last-event-id': fc.constantFrom(
      '',
      '0',
      '-1',
      '1e9',
      '9'.repeat(40),
      '__proto__',
      '00000000000000000001',
    ),
    'if-none-match': fc.constantFrom('*', '"1"', ''),
    range: fc.constantFrom('bytes=0-1', 'x'),
    'transfer-encoding': fc.constant('identity'),
  },
  { requiredKeys: [] },
)

/** `__proto__` as a field like any other. */
export function ownFields(given: object): object {
  return Object.fromEntries(Object.entries(given))
}
