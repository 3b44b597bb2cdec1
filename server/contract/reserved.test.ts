import { expect, test } from 'vitest'
import { isUnderAny } from './reserved.ts'

test("a call during a page's rendering goes to the server below its prefixes, whatever the query, and to the site elsewhere", () => {
  const parents = ['/auth', '/api/notes', '/graphql']
  for (const target of ['/auth/session', '/api/notes', '/api/notes?x=/y', '/graphql#a', '/graphql/x?y'])
    expect(isUnderAny(target, parents), target).toBe(true)
  for (const target of ['/api/weather', '/api/notes2', '/authors', '/', '/x?/auth/session', '/api'])
    expect(isUnderAny(target, parents), target).toBe(false)
})
