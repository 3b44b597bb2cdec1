import { createError, type H3Event } from 'h3'
import { afterEach, expect, test, vi } from 'vitest'
import type { SessionAnswer } from '../../../server/contract/wire.ts'
import { getUserSession, requireUserSession } from './session.ts'

afterEach(() => vi.unstubAllGlobals())

const event = (session: SessionAnswer | null) =>
  ({ context: session === null ? {} : { porchlight: { session } } }) as unknown as H3Event
const nobody: SessionAnswer = { user: null, session: null, ended: 'idle' }
const somebody: SessionAnswer = {
  user: { id: 'u1', email: 'ada@example.org', name: 'Ada', roles: ['user'] },
  session: {
    id: 's1',
    createdAt: 1,
    authTime: 1,
    accessEndsAt: 2,
    idleEndsAt: 3,
    absoluteEndsAt: 4,
    amr: ['pwd'],
    remember: false,
  },
}

test('a server route is told who asks, and why nobody does; outside of our server that is nobody', () => {
  expect(getUserSession(event(somebody))).toBe(somebody)
  expect(getUserSession(event(nobody))).toBe(nobody)
  expect(getUserSession(event(null))).toEqual({ user: null, session: null })
})

test('one that wants somebody gets them, or throws 401', () => {
  vi.stubGlobal('createError', createError)
  expect(requireUserSession(event(somebody))).toEqual(somebody)
  for (const session of [nobody, null]) {
    expect(() => requireUserSession(event(session))).toThrow(
      expect.objectContaining({ statusCode: 401, data: { code: 'not_signed_in' } }),
    )
  }
})
