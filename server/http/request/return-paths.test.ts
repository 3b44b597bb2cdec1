import { expect, test } from 'vitest'
import { testUpstream } from '../../relay/relay.testing.ts'
import { createRoutes } from '../../relay/route-matcher.ts'
import { createReturnPaths } from './return-paths.ts'

const none = { signedIn: true, roles: [], maxAgeMs: null, acr: null }
const paths = createReturnPaths(
  createRoutes([
    testUpstream('http://127.0.0.1:9', { prefix: '/api/desk', document: true }),
    testUpstream('http://127.0.0.1:9', {
      prefix: '/api/desk/vault',
      document: true,
      requires: { ...none, maxAgeMs: 1 },
    }),
    testUpstream('http://127.0.0.1:9', { prefix: '/reports', document: true, requires: { ...none, maxAgeMs: 1 } }),
    testUpstream('http://127.0.0.1:9', { prefix: '/api/orders' }),
  ]),
)

test('a page before the sign-in learns of no upstream that its own address does not name', () => {
  const search = (returnTo: string) => `?${new URLSearchParams({ returnTo, other: 'x' }).toString()}`
  expect(paths.documentsIn('')).toEqual([])
  expect(paths.documentsIn(search('/account'))).toEqual([])
  expect(paths.documentsIn(search('/api'))).toEqual([])
  expect(paths.documentsIn(search('/api/orders/7'))).toEqual([])
  expect(paths.documentsIn(search('//evil.example/api/desk'))).toEqual([])
  expect(paths.documentsIn(search('/api/desk/lab?x=1#y'))).toEqual(['/api/desk'])
  expect(paths.documentsIn(search('/api/desk/vault'))).toEqual(['/api/desk/vault'])
  expect(paths.documentsIn('?returnTo=%')).toEqual([])
})

test('a front end that takes the rest of /api may have pages there, next to upstreams that have none', () => {
  const all = { prefix: '/api/orders' }
  const front = { upstream: testUpstream('http://127.0.0.1:9', { prefix: '', document: true }), path: '/' }
  const match = createRoutes([testUpstream('http://127.0.0.1:9', all)])
  const { safe, documentsIn } = createReturnPaths(path => match(path) ?? front)
  expect([safe('/api/docs'), safe('/api/orders/7')]).toEqual(['/api/docs', '/'])
  expect([documentsIn('?returnTo=/api/docs'), documentsIn('?returnTo=/api/orders')]).toEqual([['/api'], []])
})

test('it is known which paths open only after a recent sign-in, by the longest prefix', () => {
  const recent = ['/reports', '/reports/7?x=1', '/api/desk/vault#part']
  const others = ['/', '/account', '/reporting', '/api/desk', '/api/desk/vaults', '/api/desk?next=/reports']
  expect(recent.filter(paths.requiresRecent)).toEqual(recent)
  expect(others.filter(paths.requiresRecent)).toEqual([])
})
