import { SECOND } from '../../base/clock.ts'
import { PENDING_LIFE_MS } from '../../login/second-factor.ts'
import { clearCookie, cookieName, serializeCookie } from '../../session/cookie-names.ts'

/** The Set-Cookie value for a sign-in that waits for its second factor: one per browser, the latest. */
export function pendingCookie(sealed: string, secure: boolean): string {
  const maxAgeSeconds = PENDING_LIFE_MS / SECOND
  return serializeCookie(cookieName('second-factor', secure), sealed, { secure, maxAgeSeconds })
}

export function clearPending(secure: boolean): string {
  return clearCookie(cookieName('second-factor', secure), { secure })
}
