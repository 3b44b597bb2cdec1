import { expect, test } from 'vitest'
import { safeReturnTo } from './return-to.ts'

test.each(['/', '/account', '/account/security?from=mail#log', '/a//b', '/%2f%2fevil.example', '/人'])('OA-1 %j is a page of this site', (path) => {
  expect(safeReturnTo(path)).toBe(path)
})

test.each([
  '//evil.example', '/\\evil.example', '\\\\evil.example', 'https://evil.example/', 'https:evil.example', 'javascript:alert(1)', 'data:text/html,x',
  '/\t/evil.example', '/\n/evil.example', ' /account', 'account', '', `/${'a'.repeat(2001)}`, undefined, null, 7, ['/account', '/people'],
])('OA-1 %j leads home', (wanted) => {
  expect(safeReturnTo(wanted)).toBe('/')
})

test.each(['/auth/logout', '/auth', '/auth?x', '/api/notes', '/_porchlight/x.js'])('%j is no page', (path) => {
  expect(safeReturnTo(path)).toBe('/')
})
