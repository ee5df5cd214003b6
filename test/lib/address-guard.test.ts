import { describe, expect, test } from 'vitest'
import { forbiddenRange, parseNetworks, urlProblem } from '../../lib/address-guard.ts'

const nothingElse = { allowHttp: true, networks: [] }

/** URLs that lead into a network of one’s own, or to nowhere, in the ways that they are written to get past a filter. */
const forbiddenUrls = [
  // Loopback, and the ways to write it: octal, hexadecimal, decimal, short, full-width, with a dot at the end.
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '127.255.255.254',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '0x7f000001',
    '2130706433',
  ],
  ...[
    '017700000001',
    '0x7f.1',
    '127.000.000.001',
    '127.0.0.1.',
    '１２７.０.０.１',
    '127。0。0。1',
    '%31%32%37.0.0.1',
  ],
  ...['[::1]', '[0:0:0:0:0:0:0:1]', '[::0001]'],
  // Unspecified, which connects to this machine, and the rest of its network.
  ...['0.0.0.0', '0', '0x0', '0.1.2.3', '[::]', '[0::0]'],
  // Private.
  ...[
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.254',
    '192.168.0.1',
    '192.168.1.1',
    '3232235777',
  ],
  ...['0xc0a80101', '0300.0250.1.1', '167772161'],
  // Link-local, the metadata services of clouds among them.
  ...['169.254.169.254', '169.254.170.2', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518'],
  ...['[fe80::1]', '[febf::1]', '[fe80::a9fe:a9fe]'],
  // Carrier-grade NAT, one cloud’s metadata among them.
  ...['100.64.0.1', '100.100.100.200', '100.127.255.254'],
  // Multicast, broadcast, reserved, documentation, benchmarks, protocol assignments.
  ...['224.0.0.1', '239.255.255.250', '255.255.255.255', '240.0.0.1', '192.0.0.1', '192.0.2.1', '198.18.0.1'],
  ...['198.19.255.255', '198.51.100.1', '203.0.113.1', '192.88.99.1'],
  ...['[ff02::1]', '[ff0e::1]', '[2001:db8::1]', '[3fff::1]', '[100::1]', '[5f00::1]'],
  // Unique local, site-local.
  ...['[fc00::1]', '[fd00::1]', '[fd00:ec2::254]', '[fec0::1]'],
  // IPv4 mapped, compatible, translated, by NAT64, 6to4 and Teredo.
  ...[
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:10.0.0.1]',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
  ],
  ...['[::ffff:0:0]', '[::127.0.0.1]', '[::7f00:1]', '[::ffff:0:127.0.0.1]', '[64:ff9b::127.0.0.1]'],
  ...['[64:ff9b::10.0.0.1]', '[64:ff9b:1::1]', '[2002:7f00:1::]', '[2002:a00:1::1]', '[2001:0:7f00:1::1]'],
  // Outside what is given out.
  ...['[4000::1]', '[1::1]', '[8000::1]', '[e000::1]'],
].flatMap((host) => [`https://${host}/hook`])

const forbiddenForms = [
  ...[
    'ftp://example.com/',
    'file:///etc/passwd',
    'gopher://example.com:70/_',
    'javascript:alert(1)',
    'data:,x',
  ],
  ...[
    'ws://example.com/',
    'unix:/var/run/docker.sock',
    'http+unix://%2Fvar%2Frun/x',
    '//example.com/',
    'example.com',
    '',
  ],
  ...[
    'https://',
    'https:///',
    'https://user@example.com/',
    'https://user:secret@example.com/',
    'https://:x@example.com/',
  ],
  ...[
    'https://example.com@10.0.0.1/',
    'https://10.0.0.1#@example.com/',
    'https://example.com/#x',
    'https://[::1',
    'https://1.2.3.4.5/',
  ],
  ...[
    'https://256.256.256.256/',
    'https://exa mple.com/',
    'https://example.com:99999/',
    `https://example.com/${'x'.repeat(2_048)}`,
  ],
]

describe('URLs', () => {
  test(`${forbiddenUrls.length} hosts that are addresses of one's own network are refused, however they are written`, () => {
    expect(forbiddenUrls.length).toBeGreaterThan(80)
    expect(forbiddenUrls.filter((url) => urlProblem(url, nothingElse) === undefined)).toEqual([])
  })

  test('what is no address on the web is refused', () => {
    expect(forbiddenForms.filter((url) => urlProblem(url, nothingElse) === undefined)).toEqual([])
  })

  test('public addresses and names pass: what a name leads to is seen at the connection', () => {
    const urls = [
      ...[
        'https://example.com/',
        'https://example.com:8443/a?b=c',
        'https://münchen.example/',
        'https://8.8.8.8/',
      ],
      ...[
        'https://1.1.1.1/',
        'https://[2606:4700:4700::1111]/',
        'https://[2a00:1450:4001::1]/',
        'https://172.32.0.1/',
      ],
      ...[
        'https://100.128.0.1/',
        'https://169.253.0.1/',
        'https://192.169.0.1/',
        'https://[::ffff:8.8.8.8]/',
      ],
    ]
    expect(urls.map((url) => urlProblem(url, nothingElse))).toEqual(urls.map(() => undefined))
  })

  test('http only where it is allowed', () => {
    const url = 'http://example.com/'
    expect(urlProblem(url, { allowHttp: false, networks: [] })).toContain('http is not allowed')
    expect(urlProblem(url, { allowHttp: true, networks: [] })).toBeUndefined()
  })

  test('a network that is allowed opens itself and nothing else', () => {
    const networks = parseNetworks('10.20.0.0/16, 127.0.0.1,fd00:1::/32')!
    const problems = (hosts: string[]) =>
      hosts.filter((host) => urlProblem(`https://${host}/`, { allowHttp: false, networks }) !== undefined)
    expect(
      problems(['10.20.0.1', '10.20.255.255', '127.0.0.1', '[fd00:1::7]', '[::ffff:10.20.0.1]']),
    ).toEqual([])
    const others = [
      '10.21.0.1',
      '127.0.0.2',
      '[::1]',
      '[fd00:2::7]',
      '169.254.169.254',
      '[64:ff9b::10.20.0.1]',
    ]
    expect(problems(others)).toEqual(others)
  })
})

test.each([
  ['10.0.0.1', 'private'],
  ['127.0.0.1', 'loopback'],
  ['169.254.169.254', 'linkLocal'],
  ['100.64.0.1', 'carrierGradeNat'],
  ['224.0.0.1', 'multicast'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['fe80::1%eth0', 'linkLocal'],
  ['fd00::1', 'uniqueLocal'],
  ['64:ff9b::808:808', 'rfc6052'],
  ['::808:808', 'unassigned'],
  ['nothing', 'no address'],
  ['', 'no address'],
])('%s is %s', (address, range) => {
  expect(forbiddenRange(address, [])).toBe(range)
})

test.each(['8.8.8.8', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('%s may be reached', (address) => {
  expect(forbiddenRange(address, [])).toBeUndefined()
})

test.each([
  '10.0.0.0/33',
  'fd00::/129',
  '10.0.0/8',
  'private',
  '*',
  '10.0.0.0/8/8',
  '10.0.0.0/',
  '10.0.0.0/-1',
  '0x7f.1',
])('%s is no network', (text) => {
  expect(parseNetworks(text)).toBeUndefined()
  expect(parseNetworks(`127.0.0.1,${text}`)).toBeUndefined()
})

test('no network is an empty list', () => {
  expect([parseNetworks(''), parseNetworks(' , ')]).toEqual([[], []])
})
