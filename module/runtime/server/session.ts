import { createError, type H3Event } from 'h3'
import type { SessionAnswer, WireSession, WireUser } from '../../../server/contract/wire.ts'
import { contextOf } from './visitor.ts'

/** The person who called a server route of the site; nobody in a cached handler, whose answer is for everybody. */
export function getUserSession(event: H3Event): SessionAnswer {
  return contextOf(event)?.session ?? { user: null, session: null }
}

/** @throws 401 without a session */
export function requireUserSession(event: H3Event): { user: WireUser; session: WireSession } {
  const { user, session } = getUserSession(event)
  if (user === null || session === null)
    throw createError({ statusCode: 401, statusMessage: 'Unauthorized', data: { code: 'not_signed_in' } })
  return { user, session }
}
