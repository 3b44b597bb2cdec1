import { DAY, type Clock, type Now, SECOND, type UnixMs } from '../base/clock.ts'
import type { SessionRecord } from '../store/types.ts'
import { clearCookie, cookieName, serializeCookie } from './cookie-names.ts'
import type { Numbers } from './judge.ts'
import type { Runtimes, TrackedRuntime, SealedAccess } from './session-runtime.ts'
import type { Tokens } from './session-tokens.ts'
import type { IssuedCookies } from './types.ts'

/** A response that starts later than this sends no cookies: the next request gets them again. */
const GRANT_LIFE_MS = 5 * SECOND
/** Concurrent requests within this time share one sealed access token. */
const SEALED_SHARED_MS = SECOND
/** A remembered browser keeps its refresh cookie past the end, so that it can be told the reason. */
const TELL_REASON_MS = 7 * DAY

export type IssueKind = 'access' | 'refresh' | 'both'

export interface Issued {
  issued: IssuedCookies
  accessEndsAt: UnixMs | null
}

/** Creates a session's cookies, and decides when the headers are sent whether they are still valid. */
export function createIssuer(deps: {
  clock: Clock
  memory: Runtimes
  tokens: Tokens
  numbers: Numbers
  secure: boolean
}) {
  const { clock, memory, tokens, numbers, secure } = deps
  const names = { access: cookieName('access', secure), refresh: cookieName('refresh', secure) }
  const clearing = [clearCookie(names.access, { secure }), clearCookie(names.refresh, { secure })]

  function accessFor(sid: string, row: SessionRecord, of: TrackedRuntime, now: Now): SealedAccess {
    const known = of.sealed
    if (known !== null && known.generation === row.generation && now.steady - known.madeAt <= SEALED_SHARED_MS)
      return known
    const endsAt = Math.min(now.wall + numbers.accessMs, row.absoluteEndsAt)
    of.sealed = {
      generation: row.generation,
      madeAt: now.steady,
      endsAt,
      token: tokens.sealAccess(sid, row, { issuedAt: now.wall, endsAt }),
    }
    return of.sealed
  }

  return {
    names,
    clearing: (): readonly string[] => clearing,

    make(kind: IssueKind, sid: string, row: SessionRecord, of: TrackedRuntime, now: Now): Issued {
      const cookies: string[] = []
      let accessEndsAt: UnixMs | null = null
      if (kind !== 'refresh') {
        const { token, endsAt } = accessFor(sid, row, of, now)
        accessEndsAt = endsAt
        cookies.push(
          serializeCookie(names.access, token, {
            secure,
            maxAgeSeconds: row.remember ? (endsAt - now.wall) / SECOND : null,
          }),
        )
      }
      if (kind !== 'access') {
        const maxAgeSeconds = row.remember ? (row.absoluteEndsAt + TELL_REASON_MS - now.wall) / SECOND : null
        cookies.push(
          serializeCookie(names.refresh, tokens.refresh(sid, row, row.generation), { secure, maxAgeSeconds }),
        )
      }
      return {
        issued: { sidHash: row.sidHash, generation: row.generation, decidedAt: now.steady, cookies },
        accessEndsAt,
      }
    },

    /** [] once the session has ended, a newer generation exists, or the verdict is too old. */
    cookiesFor(issued: IssuedCookies): readonly string[] {
      const row = memory.cached(issued.sidHash)
      const isValid =
        row !== undefined &&
        row.endedAt === null &&
        row.generation === issued.generation &&
        clock.now().steady - issued.decidedAt <= GRANT_LIFE_MS
      return isValid ? issued.cookies : []
    },
  }
}

export type CookieIssuer = ReturnType<typeof createIssuer>
