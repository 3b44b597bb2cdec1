import { randomBytes } from 'node:crypto'
import { type Clock, SECOND, type Timers } from '../base/clock.ts'
import { randomId, sha256 } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import type { Keyring } from '../keys/types.ts'
import type { EndedSession, SessionRecord, SessionStore } from '../store/types.ts'
import { clientRecord } from './client-record.ts'
import { createIssuer } from './issue-cookies.ts'
import { idleEndsAt, type Numbers } from './judge.ts'
import { sessionLists } from './lists.ts'
import { createRuntimes } from './session-runtime.ts'
import { createResolver, live } from './resolve.ts'
import { createTokens } from './session-tokens.ts'
import type { EndListener, OpenInput, Sessions } from './types.ts'

export interface SessionSettings extends Numbers {
  idleMs: number
  browserIdleMs: number
  absoluteMs: number
  /** Maximum active sessions per account. */
  maxSessions: number
  secureCookies: boolean
}

export interface SessionDeps {
  clock: Clock
  timers: Timers
  log: Log
  meter: Meter
  store: SessionStore
  keyring: Keyring
  settings: SessionSettings
}

const FLUSH_EVERY_MS = 5 * SECOND
/** Rows per transaction, so that no flush blocks the event loop. */
const FLUSH_BATCH = 200

/** Creates the session service: sessions are opened, judged, listed and ended here and nowhere else. */
export function createSessions({ clock, timers, log, meter, store, keyring, settings }: SessionDeps): Sessions {
  const listeners = new Set<EndListener>()
  const tokens = createTokens(keyring)
  const memory = createRuntimes({ graceMs: settings.graceMs, startedAt: clock.now().steady })
  const grants = createIssuer({ clock, memory, tokens, numbers: settings, secure: settings.secureCookies })
  const { resolve, expire } = createResolver({
    clock,
    log,
    meter,
    store,
    memory,
    tokens,
    grants,
    numbers: settings,
    announce,
  })

  const lists = sessionLists({ clock, store, memory })

  function announce(ended: readonly EndedSession[]): void {
    for (const session of ended) {
      memory.markEnded(session.sidHash, { endedAt: session.endedAt, endReason: session.reason })
      meter.count('sessions_ended_total', { reason: session.reason })
      for (const listener of listeners) listener(session)
    }
  }

  function newRow(sid: string, input: OpenInput): SessionRecord {
    const at = clock.now().wall
    const { authTime: thereAt, endsAt } =
      input.basis?.kind === 'provider' ? input.basis : { authTime: null, endsAt: null }
    const authTime = input.authTime ?? thereAt
    return {
      sidHash: sha256(sid),
      publicId: randomId(),
      secret: randomBytes(32),
      userId: input.userId,
      createdAt: at,
      authTime: Math.min(at, authTime ?? at),
      amr: input.amr,
      remember: input.remember,
      idleMs: input.remember ? settings.idleMs : settings.browserIdleMs,
      tagKeyId: keyring.currentId,
      boundKey: null,
      generation: 1,
      proven: 1,
      provenAt: at,
      rotatedAt: at,
      lastSeenAt: at,
      absoluteEndsAt: Math.min(at + settings.absoluteMs, endsAt ?? Infinity),
      endedAt: null,
      endReason: null,
      ...clientRecord(input.client),
    }
  }

  function limitNow() {
    return { max: settings.maxSessions, at: clock.now().wall, lastSeenAt: memory.lastSeenAt }
  }

  async function trim(userId: string, keep: string | null): Promise<void> {
    await inBatches(async () => {
      const { ended, more } = await store.endExcess(userId, { ...limitNow(), keep })
      announce(ended)
      return more
    })
  }

  async function flush(all: boolean): Promise<void> {
    const unsaved = memory.unsaved(clock.now(), all)
    for (let start = 0; start < unsaved.length; start += FLUSH_BATCH) {
      const batch = unsaved.slice(start, start + FLUSH_BATCH)
      await store.saveProgress(batch)
      memory.saved(batch)
      await new Promise(resolveTurn => setImmediate(resolveTurn))
    }
  }

  const stop = timers.every(FLUSH_EVERY_MS, () => {
    memory.sweep(clock.now())
    flush(false).catch((error: unknown) =>
      log.warn(
        { event: 'session_activity_not_stored', error },
        'failed to store session activity; kept in memory, will retry',
      ),
    )
  })

  return {
    resolve,
    cookiesFor: grants.cookiesFor,
    clearing: grants.clearing,
    announce,

    async open(input) {
      const sid = randomId()
      const row = newRow(sid, input)
      const limit = { ...limitNow(), keep: row.publicId }
      const { replaces, basis } = input
      const { ended, more } = await store.insert({
        session: row,
        replaces: replaces && { publicId: replaces.publicId, onlyLiving: replaces.reauthenticates },
        passwordSetAt: basis?.kind === 'password' ? basis.setAt : null,
        grant: basis?.kind === 'provider' ? basis.grant : null,
        limit,
        newDevice: input.newDevice,
      })
      memory.keepWritten(row)
      const now = clock.now()
      const runtime = memory.runtimeOf(row, now)
      memory.issued(runtime, now)
      for (const session of ended) if (session.reason === 'replaced') memory.replaced(session.sidHash, row, now)
      announce(ended)
      if (more)
        trim(row.userId, row.publicId).catch((error: unknown) =>
          log.warn(
            { event: 'session_limit_not_applied', error, accountId: row.userId },
            'failed to end sessions beyond the limit of an account; will retry at the next sign-in',
          ),
        )
      meter.count('sessions_opened_total')
      const { issued, accessEndsAt } = grants.make('both', sid, row, runtime, now)
      return { session: live(row, row.lastSeenAt, accessEndsAt), issued }
    },

    async end(publicId, why) {
      const ended = await store.end(publicId, { ...why, at: clock.now().wall })
      announce(ended)
      return ended.length > 0
    },

    async endAll(userId, why) {
      let total = 0
      await inBatches(async () => {
        const { ended, more } = await store.endOf(userId, { ...why, at: clock.now().wall })
        announce(ended)
        total += ended.length
        return more
      })
      return total
    },

    page: lists.page,
    list: lists.newest,
    trim: userId => trim(userId, null),

    async endIfOver(publicId) {
      const found = await store.findByPublicId(publicId)
      if (found === null || found.endedAt !== null) return null
      const now = clock.now()
      const endsAt = Math.min(idleEndsAt(found, { lastSeenAt: memory.lastSeenAt(found.sidHash) }), found.absoluteEndsAt)
      return now.wall < endsAt ? endsAt : expire(found.sidHash)
    },

    onEnded(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    flush: () => flush(true),
    async close() {
      stop()
      await flush(true)
    },
  }
}

/** Repeats until there is no more work, letting other requests go first in between. */
async function inBatches(work: () => Promise<boolean>): Promise<void> {
  while (await work()) await new Promise(resolveTurn => setImmediate(resolveTurn))
}
