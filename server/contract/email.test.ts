import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { Email } from './email.ts'

describe('an e-mail address', () => {
  test.each([
    "o'brien@example.org",
    'user@xn--bcher-kva.example',
    'user@bücher.example',
    'user@例え.テスト',
    'a@b',
    'root@localhost',
    'first.last+tag@mail.example.co.uk',
    '.dot@example.org',
    'dot.@example.org',
    'two..dots@example.org',
    "!#$%&'*+/=?^_`{|}~-@example.org",
    'a@1.2',
    'a@192.0.2.1',
    'UPPER@EXAMPLE.ORG',
    ' spaced@example.org ',
    `a@${'x'.repeat(63)}.example`,
    `${'x'.repeat(242)}@example.org`,
  ])("%j is accepted, as a browser's e-mail field does", address =>
    expect(v.parse(Email, address)).toBe(address.trim()),
  )

  test.each([
    '',
    'a',
    '@',
    'a@',
    '@b',
    'a@b@c',
    'a b@example.org',
    'a@exa mple.org',
    'a@-b.example',
    'a@b-.example',
    'a@b..example',
    'a@.example',
    'a@example.',
    'a@example_org',
    'a@[192.0.2.1]',
    '"a b"@example.org',
    'a@b,c@d',
    'Ann <ann@example.org>',
    'a@b\nBcc: c@d',
    'a\r\n@example.org',
    'üser@example.org',
    'a\u0000@example.org',
    `a@${'x'.repeat(64)}.example`,
    `${'x'.repeat(243)}@example.org`,
    'a@b\u202ec',
    'a@b/c',
    'a@b%2ec',
    `a@${'a.'.repeat(5000)}`,
  ])('%j is rejected', address => expect(v.is(Email, address)).toBe(false))

  test('an almost valid address is rejected in linear time', () => {
    const started = performance.now()
    for (const almost of [
      `${'a.'.repeat(126)}@`,
      `a@${'a-'.repeat(125)}`,
      `a@${'a'.repeat(252)}`,
      `a@${'é.'.repeat(125)}!`,
    ])
      v.is(Email, almost)
    expect(performance.now() - started).toBeLessThan(100)
  })
})
