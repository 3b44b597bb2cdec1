import fc from 'fast-check'
import { expect, test } from 'vitest'
import { safeReturnTo } from './return-to.ts'

test.each([
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  'https:evil.example',
  'https://evil.example/',
  'http:/evil.example',
  'javascript:alert(1)',
  'data:text/html,x',
  'evil.example',
  '@evil.example',
  '',
  ' /account',
  '/\t/evil.example',
  '/\n/evil.example',
  '/a\r\nSet-Cookie: x=1',
  '\u0000/account',
  '/.//evil.example',
  '/a/..//evil.example',
  '/%09/evil.example',
  '/%5cevil.example',
  '/%2f/evil.example',
  '/%0d%0aX: y',
  '/%',
  '/%ff',
  `/${'a'.repeat(3000)}`,
  7,
  null,
  undefined,
  ['/account'],
])('OA-1 returnTo %j is refused', wanted => {
  expect(safeReturnTo(wanted, [])).toBe('/')
})

test.each([
  '/sign-in',
  '/sign-in?returnTo=/account',
  '/auth/logout',
  '/api/notes',
  '/signed-out',
  '/set-up#code=x',
  '/reauthenticate?returnTo=/account',
  '/./auth/logout',
])('%s is not a destination after signing in', wanted => {
  expect(safeReturnTo(wanted, [])).toBe('/')
})

test.each([
  ['/', '/'],
  ['/account', '/account'],
  ['/account/sessions?page=2#top', '/account/sessions?page=2#top'],
  ['/authors', '/authors'],
  ['/search?q=a//b', '/search?q=a//b'],
  ['/门廊?词=灯', '/%E9%97%A8%E5%BB%8A?%E8%AF%8D=%E7%81%AF'],
  ['/two%20words', '/two%20words'],
])('%s is one of our pages: %s', (wanted, path) => {
  expect(safeReturnTo(wanted, [])).toBe(path)
})

test.each([
  ['/api/desk', '/api/desk'],
  ['/api/desk/', '/api/desk/'],
  ['/api/desk/a%20page?q=1#part', '/api/desk/a%20page?q=1#part'],
  ['/api/desktop', '/'],
  ['/api/orders', '/'],
  ['/api', '/'],
  ['/api/desk/../orders', '/'],
  ['/api/desk/%2e%2e/orders', '/'],
  ['/api/desk//evil', '/'],
])('below /api, %s leads to %s if only /api/desk has pages', (wanted, path) => {
  expect(safeReturnTo(wanted, ['/api/desk'])).toBe(path)
})

test('OA-1 whatever is requested, a browser stays on this origin and the header is one line of ASCII', () => {
  const signs = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    ':',
    '@',
    '?',
    '#',
    '%2f',
    '%5c',
    '%09',
    '\t',
    '\n',
    '\r',
    'http',
    'https:',
    'javascript:',
    'evil.example',
    'a',
    'api',
    '灯',
    ' ',
  )
  fc.assert(
    fc.property(
      fc.array(signs, { maxLength: 8 }).map(parts => parts.join('')),
      wanted => {
        const path = safeReturnTo(wanted, ['/api/a'])
        expect(path).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/)
        expect(new URL(path, 'https://porch.example').origin).toBe('https://porch.example')
        expect(safeReturnTo(path, ['/api/a'])).toBe(path)
      },
    ),
    { numRuns: 2000 },
  )
})
