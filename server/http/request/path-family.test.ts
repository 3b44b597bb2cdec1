import { expect, test } from 'vitest'
import { type Family, familyOf } from './path-family.ts'

test.each<[string, Family]>([
  ['/auth', 'auth'],
  ['/auth/session', 'auth'],
  ['/authors', 'site'],
  ['/api', 'api'],
  ['/api/orders/1', 'api'],
  ['/apis', 'site'],
  ['/.well-known/jwks.json', 'well_known'],
  ['/.well-knownx', 'site'],
  ['/healthz', 'health'],
  ['/healthz/x', 'site'],
  ['/readyz', 'health'],
  ['/_porchlight/entry.js', 'assets'],
  ['/_porchlightx', 'site'],
  ['/__nuxt_error', 'assets'],
  ['/', 'site'],
  ['/Auth/session', 'site'],
  ['/account', 'site'],
])('the path %s is one of the family %s', (path, family) => {
  expect(familyOf(path)).toBe(family)
})
