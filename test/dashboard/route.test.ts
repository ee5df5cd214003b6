import { expect, test } from 'vitest'
import { hrefOf, parseRoute } from '../../dashboard/route.ts'

test('a route is what its address says', () => {
  expect(parseRoute('#/devices/fridge-1?range=1h&metric=temperature_c')).toEqual({
    page: 'devices',
    id: 'fridge-1',
    query: { range: '1h', metric: 'temperature_c' },
  })
  expect(parseRoute('#/alarms')).toEqual({ page: 'alarms', id: undefined, query: {} })
})

test.each(['', '#', '#/', '#/nothing', '#/constructor', 'overview', '#/__proto__'])(
  'the address %j is the overview',
  (hash) => {
    expect(parseRoute(hash).page).toBe('overview')
  },
)

test.each(['a:b.c-d_e', 'site=berlin', 'a/b', '50%', 'ä ?#&'])('the id %j comes back whole', (id) => {
  expect(parseRoute(hrefOf('devices', id, { q: id }))).toEqual({ page: 'devices', id, query: { q: id } })
})

test('an id that cannot be decoded stays as it is', () => {
  expect(parseRoute('#/devices/%zz').id).toBe('%zz')
})

test('empty parameters are left out', () => {
  expect(hrefOf('devices', undefined, { q: '', type: undefined })).toBe('#/devices')
})
