import { expect, test } from 'vitest'
import { seal, unseal } from '../../http/sealed-answer.ts'

test('what is sealed is opened with the token and the key it was sealed with, and with no other', () => {
  const text = '{"credentials":{"password":"é🦩"}}'
  const sealed = seal(text, 'token', 'key')
  expect(Buffer.from(sealed, 'base64').toString('latin1')).not.toContain('password')
  expect(unseal(sealed, 'token', 'key')).toBe(text)
  expect(() => unseal(sealed, 'token', 'another')).toThrow()
  expect(() => unseal(sealed, 'another', 'key')).toThrow()
})

test('what was altered is not opened', () => {
  const bytes = Buffer.from(seal('a text', 'token', 'key'), 'base64')
  for (let at = 0; at < bytes.length; at++) {
    const altered = Buffer.from(bytes)
    altered[at]! ^= 1
    expect(() => unseal(altered.toString('base64'), 'token', 'key')).toThrow()
  }
})

test('the same text is sealed differently each time', () => {
  expect(seal('a', 'token', 'key')).not.toBe(seal('a', 'token', 'key'))
})
