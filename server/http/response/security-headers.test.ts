import { expect, test } from 'vitest'
import { policyOf } from './page-policy.ts'
import { inDevelopment, PAGE_POLICY, securityHeaders } from './security-headers.ts'

const NONCE = { scripts: "'nonce-abc'", styles: "'nonce-abc'", handlers: '' }
const directives = (policy: string) =>
  new Map(policy.split('; ').map(one => [one.split(' ')[0], one.split(' ').slice(1).join(' ')]))

test('ASVS 3.4.1 browsers are told to stay with https only by a site that has it, and nothing about other hosts', () => {
  const strict = (url: string) => securityHeaders(url).fixed.filter(one => /max-age|Strict-Transport/.test(one))
  expect(strict('https://porch.example')).toEqual(['Strict-Transport-Security', 'max-age=63072000'])
  expect(strict('https://localhost:3000'), 'which other programs have, too').toEqual([])
  expect(strict('http://localhost:3000')).toEqual([])
})

test('HD-1 HD-2 a page runs scripts of its own nonce only, is framed by nobody and sends forms to this site only', () => {
  const policy = directives(policyOf(PAGE_POLICY, null)(NONCE))
  expect(policy.get('default-src')).toBe("'none'")
  expect(policy.get('script-src')).toBe("'nonce-abc' 'strict-dynamic'")
  expect(policy.get('frame-ancestors')).toBe("'none'")
  expect(policy.get('form-action')).toBe("'self'")
})

test('development changes style sheets and connections of the policy, and nothing about scripts', () => {
  const [real, dev] = [PAGE_POLICY, inDevelopment(PAGE_POLICY)].map(policy =>
    directives(policyOf(policy, null)(NONCE)),
  ) as [Map<string, string>, Map<string, string>]
  const changed = [...real.keys()].filter(name => real.get(name) !== dev.get(name))
  expect(changed).toEqual(['style-src-elem', 'connect-src'])
  expect([...dev.keys()]).toEqual([...real.keys()])
})
