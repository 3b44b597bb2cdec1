import { expect, test } from 'vitest'
import { PendingResponse } from '../request/request-context.ts'
import { setCookies } from './set-cookies.ts'
import { isOwnCookie } from '../request/own-cookies.ts'

const grant = {
  sidHash: 'h',
  generation: 1,
  decidedAt: 0,
  cookies: ['porchlight-access=a; Path=/', 'porchlight-refresh=r; Path=/'],
}
const services = {
  cookiesFor: () => grant.cookies,
  clearing: () => ['porchlight-access=; Max-Age=0', 'porchlight-refresh=; Max-Age=0'],
}

test('CK-8 each cookie name is set once: the last decision wins', () => {
  const answer = new PendingResponse()
  answer.cookie('porchlight-form=1')
  answer.cookie('porchlight-form=2')
  answer.issue(grant)
  expect(setCookies(services, answer, ['theme=a', 'theme=b'], isOwnCookie)).toEqual([
    'theme=b',
    'porchlight-form=2',
    ...grant.cookies,
  ])
})

test('a sign-out overrides an earlier refresh, and a sign-in overrides a sign-out', () => {
  const answer = new PendingResponse()
  answer.issue(grant)
  answer.clear()
  expect(setCookies(services, answer, [], isOwnCookie)).toEqual(services.clearing())
  answer.issue(grant)
  expect(setCookies(services, answer, [], isOwnCookie)).toEqual(grant.cookies)
})

test('cookies that have become invalid by the time the headers are sent are not set', () => {
  const answer = new PendingResponse()
  answer.issue(grant)
  expect(setCookies({ ...services, cookiesFor: () => [] }, answer, [], isOwnCookie)).toEqual([])
})

test.each([
  'porchlight-access',
  'PORCHLIGHT-refresh',
  '__Host-porchlight-access',
  '__host-http-porchlight-refresh',
  'porchlight-login-abc',
  '__Host-porchlight-device',
  'porchlight-form',
])('a page cannot set %s', name => {
  expect(setCookies(services, new PendingResponse(), [`${name}=x; Path=/`, `${name} =x`], isOwnCookie)).toEqual([])
})
