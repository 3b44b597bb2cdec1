import { describe, expect, test } from 'vitest'
import { pathFault } from './path-guard.ts'

describe('pathFault', () => {
  test.each([
    '/',
    '/account',
    '/auth/session',
    '/a.b/..c/c..',
    '/%E4%BD%A0',
    '/a%20b',
    '/.well-known/x',
    '/…',
    '/a...b',
    '/x/...',
  ])('%s is valid', path => {
    expect(pathFault(path, false)).toBeNull()
  })

  test.each([
    'http://evil.example/',
    '*',
    'auth',
    '//evil.example/',
    '/a#b',
    '/a\\b',
    '/a b',
    '/a\tb',
    '/a\u0000b',
    '/a\u007fb',
    '/%',
    '/%4',
    '/%zz',
    '/%ff',
    '/%c0%ae',
    '/..',
    '/.',
    '/a/../b',
    '/a/./b',
    '/a/..',
    '/%2e%2e/b',
    '/a/%2E',
    '/a/.%2e/b',
    '/a/%252e%252e/b',
    '/..%2fb',
    '/a%2f..%2fb',
    '/a/..%5cb',
    '/%252e%252e%252fb',
  ])('BBA-13 BBA-14 %j is refused everywhere', path => {
    expect(pathFault(path, false)).not.toBeNull()
    expect(pathFault(path, true)).not.toBeNull()
  })

  test.each([
    '/auth//session',
    '/auth/session;x=1',
    '/auth/a%2fb',
    '/auth/a%2Fb',
    '/auth/a%5cb',
    '/auth/a%25b',
    '/api/a%252fb',
  ])('BBA-14 %s is refused in our own families', path => {
    expect(pathFault(path, true)).not.toBeNull()
    expect(pathFault(path, false)).toBeNull()
  })
})
