import { expect, test } from 'vitest'
import { IDENTITY_FAMILIES, IDENTITY_NAMES, ORDINARY_NAMES } from '../../server/relay/identity-headers.ts'
import { read } from '../support/source-tree.ts'

test('the guide names every family and name on the list, and SECURITY.md says that it is finite', () => {
  const guide = read('docs/guides/identity-headers.md')
  const named = [...guide.matchAll(/`([a-z0-9-]+\*?)`/g)].map(match => match[1])
  for (const family of IDENTITY_FAMILIES) expect(named).toContain(`${family}*`)
  for (const name of [...IDENTITY_NAMES, ...ORDINARY_NAMES]) expect(named).toContain(name)
  expect(read('SECURITY.md')).toMatch(/finite/)
  expect(read('SECURITY.md')).toContain('docs/guides/identity-headers.md')
})
