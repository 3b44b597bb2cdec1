import { acrOf } from '../../contract/acr.ts'
import type { SessionAnswer, WireUser } from '../../contract/wire.ts'
import type { LiveSession } from '../../session/types.ts'
import type { Caller } from '../request/caller.ts'

/** `GET /auth/session` for this caller. */
export function sessionAnswer(caller: Caller): SessionAnswer {
  if (caller.signedIn) return signedInAnswer(caller.signedIn.user, caller.signedIn.session)
  return caller.ended ? { user: null, session: null, ended: caller.ended } : { user: null, session: null }
}

/**
 * The same for a session that was just opened: the response to every kind of sign-in. Never contains a token (BBA-18).
 */
export function signedInAnswer(user: WireUser, session: LiveSession): SessionAnswer {
  return {
    user: { id: user.id, email: user.email, emailVerified: user.emailVerified, name: user.name, roles: user.roles },
    session: {
      id: session.publicId,
      createdAt: session.createdAt,
      authTime: session.authTime,
      accessEndsAt: session.accessEndsAt,
      idleEndsAt: session.idleEndsAt,
      absoluteEndsAt: session.absoluteEndsAt,
      amr: session.amr,
      acr: acrOf(session.amr),
      remember: session.remember,
    },
  }
}
