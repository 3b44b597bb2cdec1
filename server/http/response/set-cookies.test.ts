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

test('CK-8 one name once: what was decided last wins', () => {
  const answer = new PendingResponse()
  answer.cookie('porchlight-form=1')
  answer.cookie('porchlight-form=2')
  answer.grant(grant)
  expect(setCookies(services, answer, ['theme=a', 'theme=b'], isOwnCookie)).toEqual([
    'theme=b',
    'porchlight-form=2',
    ...grant.cookies,
  ])
})

test('a sign-out takes the place of a renewal that was decided before it, and a sign-in that of a sign-out', () => {
  const answer = new PendingResponse()
  answer.grant(grant)
  answer.clear()
  expect(setCookies(services, answer, [], isOwnCookie)).toEqual(services.clearing())
  answer.grant(grant)
  expect(setCookies(services, answer, [], isOwnCookie)).toEqual(grant.cookies)
})

test('a grant that is void by the time the headers leave sends nothing', () => {
  const answer = new PendingResponse()
  answer.grant(grant)
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
