import { describe, expect, test } from 'vitest'
import { captureLog } from '../../base/log.testing.ts'
import { Problem } from '../../base/problem.ts'
import { DEFAULT_BRAND } from '../../contract/brand.ts'
import type { RequestContext } from '../request/request-context.ts'
import { asProblem, problemReply } from './problem-reply.ts'

const ctx = (more: Partial<RequestContext> = {}) =>
  ({
    id: 'request-1',
    method: 'GET',
    path: '/account',
    headers: {},
    navigation: false,
    wayOn: null,
    caller: null,
    client: { userAgent: '', network: '192.0.2.1' },
    incoming: null,
    brand: DEFAULT_BRAND,
    ...more,
  }) as unknown as RequestContext
const valueOf = (headers: readonly string[], name: string) => headers[headers.indexOf(name) + 1]

describe('the response to a problem', () => {
  test('RFC 9457 is JSON with the code, the status and the id of the request', () => {
    const { status, headers, body } = problemReply(ctx(), new Problem('not_found'))
    expect([status, valueOf(headers, 'Content-Type')]).toEqual([404, 'application/problem+json'])
    expect(JSON.parse(String(body))).toMatchObject({ status: 404, code: 'not_found', requestId: 'request-1' })
  })

  test('is a page for people who navigate, in their language, which runs no script and shows what it was told as text', () => {
    const problem = new Problem('not_found', { detail: '<script>alert(1)</script>' })
    const headers = { 'accept-language': 'zh-CN,zh;q=0.9' }
    const { headers: sent, body } = problemReply(ctx({ navigation: true, headers }), problem)
    expect(valueOf(sent, 'Content-Type')).toBe('text/html; charset=utf-8')
    expect(valueOf(sent, 'Content-Security-Policy')).toMatch(/^default-src 'none'; style-src 'nonce-[^']+'/)
    expect(body).toContain('<html lang="zh-CN">')
    expect(body).toContain('request-1')
    expect(body).not.toContain('<script')
  })

  test('is titled by the name of the site, shown as text', () => {
    const brand = { ...DEFAULT_BRAND, name: 'Ada & <Sons> %s' }
    const { body } = problemReply(ctx({ navigation: true, brand }), new Problem('not_found'))
    expect(body).toMatch(/<title>[^<]+ · Ada &#38; &#60;Sons&#62; %s<\/title>/)
    expect(body).not.toMatch(/Porchlight|<Sons>/)
  })

  test('says when to try again, in whole seconds, and RFC 9470 that a fresh sign-in would help', () => {
    const later = problemReply(ctx(), new Problem('slow_down', { retryAfter: 1.2 }))
    expect(valueOf(later.headers, 'Retry-After')).toBe('2')
    const again = problemReply(ctx(), new Problem('insufficient_user_authentication', { maxAge: 300 }))
    expect(valueOf(again.headers, 'WWW-Authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", max_age="300"',
    )
  })
})

describe('an error that a route throws', () => {
  test('ASVS 16.5.1 is internal if nobody expected it: logged in full, and nothing of it is sent', () => {
    const { log, lines } = captureLog()
    const problem = asProblem(new Error('a secret in a message'), ctx(), log)
    expect(problem.code).toBe('internal')
    expect(String(problemReply(ctx(), problem).body)).not.toContain('secret')
    expect(lines).toHaveLength(1)
    expect(JSON.stringify(lines)).toContain('request-1')
  })

  test('ASVS 16.3.2 is a line of the security log if somebody may not do what they asked', () => {
    const { log, events } = captureLog()
    expect(asProblem(new Problem('forbidden'), ctx(), log).code).toBe('forbidden')
    expect(events()).toEqual([expect.objectContaining({ event: 'access_denied', reason: 'forbidden' })])
  })

  test('is no failure of ours if the client left while it was sending', () => {
    const { log, lines } = captureLog()
    const incoming = { destroyed: true, complete: false } as RequestContext['incoming']
    expect(asProblem(new Error('aborted'), ctx({ incoming }), log).code).toBe('bad_request')
    expect(lines).toEqual([])
  })
})
