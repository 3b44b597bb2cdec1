import { expect, test } from 'vitest'
import { acrOf, passkeyAmr, reaches, withFactor } from './acr.ts'

test.each([
  [[], 'aal1'],
  [['pwd'], 'aal1'],
  [passkeyAmr(false), 'aal1'],
  [passkeyAmr(true), 'aal2'],
  [withFactor(['pwd'], ['otp']), 'aal2'],
  [withFactor(['pwd'], passkeyAmr(false)), 'aal2'],
] as const)('RFC 8176: a session by %j has the level %s', (amr, acr) => {
  expect(acrOf(amr)).toBe(acr)
})

test('two factors are named once each, with `mfa`', () => {
  expect(withFactor(['pwd'], ['otp'])).toEqual(['pwd', 'otp', 'mfa'])
  expect(withFactor(['pwd'], passkeyAmr(true))).toEqual(['pwd', 'pop', 'user', 'mfa'])
})

test('RFC 9470 §3: a higher level satisfies a lower one', () => {
  expect([reaches('aal2', 'aal1'), reaches('aal2', 'aal2'), reaches('aal1', 'aal2')]).toEqual([true, true, false])
})
