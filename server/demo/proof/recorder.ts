import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, SteadyMs } from '../../base/clock.ts'
import { END_REASONS, type EndReason } from '../../contract/end-reasons.ts'
import type { AskedEvent, ProofEvent } from '../../contract/demo/wire-proof.ts'
import { generationOf } from '../../contract/demo/token-shapes.ts'
import type { Answer, Browser } from './browser.ts'

/** A site under test: ours from the inside, or any from the outside. */
export interface Site {
  clock: Clock
  /** The path that is requested; its response shows whether the browser is signed in. */
  checkPath: string
  isSignedIn: (answer: Answer) => boolean
  /** A browser that has just signed in. */
  signIn: () => Promise<Browser>
  /** How long an access token lives. */
  accessMs: number
  /** How long after a lost response the browser asks again. */
  laterMs: number
  /** Whether it is Porchlight: refresh tokens then show their generation, and responses why a session ended. */
  ours: boolean
  /** The record of the session that was opened last; null if it cannot be read. */
  row: (() => Promise<{ generation: number; ended: EndReason | null }>) | null
}

/** Acts on a site and records what was sent, what came back, and when. */
export function createRecorder(site: Site) {
  const { clock, checkPath } = site
  const startedAt = clock.now().steady
  const events: ProofEvent[] = []
  /** When each browser got its access token. */
  const grantedAt = new WeakMap<Browser, SteadyMs>()
  let newest = 0

  const now = () => Math.round(clock.now().steady - startedAt)
  const generationIn = (browser: Browser) => browser.jar.generation(clock.now().wall)

  async function wait(ms: number, why: 'expiry' | 'later'): Promise<void> {
    const at = now()
    // A timer may fire a millisecond early.
    if (ms > 0) await sleep(ms + 2)
    events.push({ kind: 'waited', at, until: now(), why })
  }

  function classify(answer: Answer): Pick<AskedEvent, 'answer' | 'given' | 'reason'> {
    if (!site.isSignedIn(answer))
      return { answer: 'out', given: null, reason: site.ours ? reasonIn(answer.text) : null }
    const values = answer.setCookies.map(line => line.slice(line.indexOf('=') + 1).split(';')[0] ?? '')
    const given = values.map(generationOf).find(found => found !== null) ?? null
    if (values.length === 0) return { answer: 'served', given, reason: null }
    if (site.ours && given === null) return { answer: 'access', given, reason: null }
    const first = given === null || given > newest
    newest = Math.max(newest, given ?? 0)
    return { answer: first ? 'renewed' : 'again', given, reason: null }
  }

  async function ask(browser: Browser, who: 'owner' | 'thief' = 'owner'): Promise<AskedEvent> {
    const at = now()
    const shown = generationIn(browser)
    const outcome = await browser
      .get(checkPath)
      .then(classify, () => ({ answer: 'failed' as const, given: null, reason: null }))
    if (outcome.answer !== 'out' && outcome.answer !== 'served') grantedAt.set(browser, clock.now().steady)
    const event: AskedEvent = { kind: 'asked', at, until: now(), who, shown, ...outcome }
    events.push(event)
    return event
  }

  return {
    events,
    now,
    ask,
    askAtOnce: (browser: Browser, count: number) => Promise.all(Array.from({ length: count }, () => ask(browser))),

    async askAndLose(browser: Browser): Promise<boolean> {
      const at = now()
      const lost = await browser.askAndLose(checkPath).catch(() => false)
      events.push({
        kind: 'asked',
        at,
        until: now(),
        who: 'owner',
        shown: generationIn(browser),
        answer: lost ? 'cut' : 'failed',
        given: null,
        reason: null,
      })
      return lost
    },

    async signIn(): Promise<Browser> {
      const browser = await site.signIn()
      grantedAt.set(browser, clock.now().steady)
      const generation = generationIn(browser)
      newest = generation ?? 0
      events.push({ kind: 'signed_in', at: now(), generation })
      return browser
    },

    copy(browser: Browser): Browser {
      events.push({ kind: 'copied', at: now(), generation: generationIn(browser) })
      return browser.copy()
    },

    async untilExpiry(browser: Browser): Promise<void> {
      await wait(site.accessMs - (clock.now().steady - (grantedAt.get(browser) ?? startedAt)), 'expiry')
    },
    untilLater: () => wait(site.laterMs, 'later'),

    /** @returns generation and end reason from the session's record, or null */
    async row(): Promise<{ generation: number; ended: EndReason | null } | null> {
      if (site.row === null) return null
      const row = await site.row()
      // A generation that was made and lost is not new when it is sent again.
      newest = Math.max(newest, row.generation)
      events.push({ kind: 'row', at: now(), ...row })
      return row
    },
  }
}

export type Recorder = ReturnType<typeof createRecorder>

function reasonIn(text: string): EndReason | null {
  try {
    const { ended } = JSON.parse(text) as { ended?: unknown }
    return END_REASONS.find(reason => reason === ended) ?? null
  } catch {
    return null
  }
}
