import { type Clock, MINUTE, SECOND, systemTimers } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import { noMeter } from '../../base/meter.ts'
import type { EndReason } from '../../contract/end-reasons.ts'
import { newRoot } from '../../keys/file.ts'
import { createKeyring } from '../../keys/keyring.ts'
import { createSessions, type SessionSettings } from '../../session/sessions.ts'
import { createMemoryStore } from '../../store/memory/memory-store.ts'
import { Browser } from './browser.ts'
import { listenOnLoopback, sessionSite } from './session-site.ts'

/** Lifetimes short enough to watch, in proportions that the rules allow. */
export const NUMBERS = { confirmMs: SECOND, graceMs: 2 * SECOND, accessMs: 4 * SECOND }

const LIFE_MS = 10 * MINUTE
const SETTINGS: SessionSettings = {
  ...NUMBERS,
  idleMs: LIFE_MS,
  browserIdleMs: LIFE_MS,
  absoluteMs: LIFE_MS,
  maxSessions: 1,
  secureCookies: false,
}
const USER_ID = 'visitor'

export interface Stage {
  /** A browser that has just signed in. */
  signIn(): Promise<Browser>
  /** The record of the session that was opened last. */
  row(): Promise<{ generation: number; ended: EndReason | null }>
  close(): Promise<void>
}

/**
 * Opens a site for one run: the product's session room with other numbers, on a store in memory, with a key of its own
 * and a loopback listener. It is gone after `close`, and appears in no list, log or metric of the product.
 */
export async function openStage(clock: Clock): Promise<Stage> {
  const store = createMemoryStore({ accountOf: () => ({ roles: [], disabledAt: null, passwordChangedAt: null }) })
  const sessions = createSessions({
    clock,
    timers: systemTimers,
    // A staged theft must not raise an alarm.
    log: createLog('silent'),
    meter: noMeter,
    store: store.sessions,
    keyring: createKeyring([newRoot(clock.now().wall)]),
    settings: SETTINGS,
  })
  const { place, close } = await listenOnLoopback(sessionSite(sessions)).catch(async (error: unknown) => {
    await sessions.close()
    throw error
  })
  let newest: string | null = null

  return {
    async signIn() {
      const { session, issued } = await sessions.open({
        userId: USER_ID,
        amr: ['pwd'],
        remember: false,
        client: { userAgent: '', network: '' },
        replaces: null,
        newDevice: false,
        basis: null,
      })
      newest = session.publicId
      const browser = new Browser(place, clock)
      browser.jar.take(sessions.cookiesFor(issued), clock.now().wall)
      return browser
    },
    async row() {
      const found = newest === null ? null : await store.sessions.findByPublicId(newest)
      if (found === null) throw new Error('the session of a demonstration has no record')
      return { generation: found.generation, ended: found.endReason }
    },
    async close() {
      await close()
      await sessions.close()
    },
  }
}
