import { systemClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import { noMeter } from '../../base/meter.ts'
import { newRoot } from '../../keys/file.ts'
import { createKeyring } from '../../keys/keyring.ts'
import { createSessions, type SessionSettings } from '../../session/sessions.ts'
import { createMemoryStore } from '../../store/memory/memory-store.ts'
import { listenOnLoopback, send, sessionSite, signedIn } from '../proof/session-site.ts'

const HOUR = 3_600_000
const SETTINGS: SessionSettings = {
  accessMs: 900_000,
  confirmMs: 60_000,
  graceMs: 600_000,
  idleMs: HOUR,
  browserIdleMs: HOUR,
  absoluteMs: HOUR,
  maxSessions: 100,
  secureCookies: false,
}

/**
 * A minimal server for a drill: the session room, real or with a rule removed. `POST /login` signs in anybody, and
 * `GET /auth/session` says who is signed in.
 */
export async function startSessionServer({
  make = createSessions,
  settings = {},
}: { make?: typeof createSessions; settings?: Partial<SessionSettings> } = {}) {
  const store = createMemoryStore({ accountOf: () => ({ roles: [], disabledAt: null, passwordChangedAt: null }) })
  const sessions = make({
    clock: systemClock,
    timers: { every: () => () => {} },
    log: createLog('silent'),
    meter: noMeter,
    store: store.sessions,
    keyring: createKeyring([newRoot(0)]),
    settings: { ...SETTINGS, ...settings },
  })
  const site = sessionSite(sessions)
  const { place, close } = await listenOnLoopback(async (incoming, outgoing) => {
    if (incoming.method !== 'POST') return site(incoming, outgoing)
    const { session, issued } = await sessions.open({
      userId: 'ann',
      amr: ['pwd'],
      remember: false,
      client: { userAgent: 'a browser', network: '127.0.0.1' },
      replaces: null,
      newDevice: false,
      basis: null,
    })
    send(outgoing, signedIn(session), sessions.cookiesFor(issued))
  })
  return {
    origin: place.origin,
    async close() {
      await close()
      await sessions.close()
    },
  }
}
