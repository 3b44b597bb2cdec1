import type { H3Event } from 'h3'
import { expect, test } from 'vitest'
import type { SessionAnswer } from '../../../server/contract/wire.ts'
import type { SiteContext } from '../../../server/contract/site-context.ts'
import { getUserSession, requireUserSession } from './session.ts'
import { rememberContext } from './visitor.ts'

function event(session: SessionAnswer | null): H3Event {
  const event = { context: {} } as H3Event
  if (session !== null) rememberContext(event, { session } as SiteContext)
  return event
}
const signedOut: SessionAnswer = { user: null, session: null, ended: 'idle' }
const signedIn: SessionAnswer = {
  user: { id: 'u1', email: 'ada@example.org', emailVerified: true, name: 'Ada', roles: ['user'] },
  session: {
    id: 's1',
    createdAt: 1,
    authTime: 1,
    accessEndsAt: 2,
    idleEndsAt: 3,
    absoluteEndsAt: 4,
    amr: ['pwd'],
    acr: 'aal1',
    remember: false,
  },
}

test('a server route gets the session, or why there is none; outside of our server there is none', () => {
  expect(getUserSession(event(signedIn))).toBe(signedIn)
  expect(getUserSession(event(signedOut))).toBe(signedOut)
  expect(getUserSession(event(null))).toEqual({ user: null, session: null })
})

test('a cached handler gets none, though its event shares the context of the visitor who waits for it', () => {
  const theirs = event(signedIn)
  expect(getUserSession({ ...theirs, context: theirs.context } as H3Event)).toEqual({ user: null, session: null })
})

test('a server route that requires a session gets it, or throws 401', () => {
  expect(requireUserSession(event(signedIn))).toEqual(signedIn)
  for (const session of [signedOut, null]) {
    expect(() => requireUserSession(event(session))).toThrow(
      expect.objectContaining({ statusCode: 401, data: { code: 'not_signed_in' } }),
    )
  }
})
