import { describe, expect, test } from 'vitest'
import { amrOf, emailOf, isTrue, memberOf, nameOf, subjectOf } from './claims.ts'

test('a claim with dots in its name is found by that name, and nothing is found on prototypes', () => {
  expect(memberOf({ 'https://example.org/roles': ['a'] }, 'https://example.org/roles')).toEqual(['a'])
  expect(memberOf({ a: { b: { c: 1 } } }, 'a.b.c')).toBe(1)
  expect(
    ['constructor', 'toString.name', '__proto__.x', 'a.constructor'].map(path => memberOf({ a: {} }, path)),
  ).toEqual([undefined, undefined, undefined, undefined])
})

describe('profile claims', () => {
  test('a name is stripped of characters that would garble a page, and truncated', () => {
    expect(nameOf('  Ann\u0000\u202e\u2066 Example\n')).toBe('Ann    Example')
    expect(nameOf('x'.repeat(500))).toHaveLength(100)
    expect(nameOf('👩'.repeat(500))?.isWellFormed()).toBe(true)
    expect(['', '  ', '\u200b', 7, null, {}, undefined].map(nameOf)).toEqual([null, null, null, null, null, null, null])
  })

  test('an invalid e-mail address is dropped', () => {
    expect(emailOf(' ann@example.org ')).toBe('ann@example.org')
    expect(["o'brien@xn--bcher-kva.example", 'ann@bücher.example', 'root@localhost'].map(emailOf)).toEqual([
      "o'brien@xn--bcher-kva.example",
      'ann@bücher.example',
      'root@localhost',
    ])
    expect(
      ['ann', '', 'a@b@c', `${'a'.repeat(250)}@example.org`, ['ann@example.org'], { email: 'x' }, null].map(emailOf),
    ).toEqual([null, null, null, null, null, null, null])
  })

  test('OI-7 an address is only verified if the claim says so plainly', () => {
    expect([true, 'true'].map(isTrue)).toEqual([true, true])
    expect([false, 'false', 1, '1', 'yes', 'TRUE', null, undefined, {}, [], [true]].some(isTrue)).toBe(false)
  })

  test('a subject is kept unchanged, including case and spaces', () => {
    expect(subjectOf(' Ann ')).toBe(' Ann ')
    expect(subjectOf(12345)).toBe('12345')
    expect(['', 1.5, 2 ** 60, 'x'.repeat(256), '\ud83d', null, undefined, {}, true].map(subjectOf)).toEqual(
      new Array<null>(9).fill(null),
    )
  })

  test('amr is a list of names, or federation', () => {
    expect(amrOf(['pwd', 'mfa'])).toEqual(['pwd', 'mfa'])
    expect([undefined, 'pwd', [], [1], ['a b\n'], {}].map(amrOf)).toEqual(new Array<string[]>(6).fill(['fed']))
    expect(amrOf(Array.from({ length: 50 }, (_, n) => `m${n}`))).toHaveLength(10)
  })
})
