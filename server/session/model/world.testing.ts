import type { Now, Timers } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { Meter } from '../../base/meter.ts'
import { Problem } from '../../base/problem.ts'
import { newRoot } from '../../keys/file.ts'
import { createKeyring } from '../../keys/keyring.ts'
import type { SessionBench } from '../../store/contract.testing.ts'
import type { SessionRecord, SessionStore } from '../../store/types.ts'
import type { createSessions, SessionSettings } from '../sessions.ts'
import type { RequestTraits, Resolution, Sessions } from '../types.ts'

/** The defaults, in seconds. */
export const SETTLE = 60
export const LATE = 600
export const ACCESS = 900
/** A refresh begins this long before the access token expires. */
export const LEAD = 60
export const IDLE = 12 * 3600
export const ABSOLUTE = 30 * 86_400

const SETTINGS: SessionSettings = {
  accessMs: ACCESS * 1000,
  confirmMs: SETTLE * 1000,
  graceMs: LATE * 1000,
  idleMs: 7 * 86_400_000,
  browserIdleMs: IDLE * 1000,
  absoluteMs: ABSOLUTE * 1000,
  maxSessions: 100,
  secureCookies: true,
}

export const PAGE: RequestTraits = { renews: true, foreground: true }
export const POLL: RequestTraits = { renews: true, foreground: false }
export const UPGRADE: RequestTraits = { renews: false, foreground: false }

export interface Jar {
  access: string | null
  refresh: string | null
}

/** One request: sent, then received by the server, then its headers are sent, then the browser stores the cookies. */
export interface Flight {
  readonly carried: Jar
  readonly traits: RequestTraits
  readonly sentAt: number
  /** Sent by a browser that has crashed since, so that nothing stores the response. */
  orphan: boolean
  takenAt: number | null
  resolution: Resolution | null
  cookies: readonly string[] | null
}

const silent: Log = { error() {}, warn() {}, info() {}, debug() {} }

/** A server (the real session room on a store), one browser and the network between them, with time in our hands. */
export function createWorld(deps: { bench: SessionBench; make: typeof createSessions; settings?: SessionSettings }) {
  const { bench } = deps
  const keyring = createKeyring([newRoot(0)])
  const verdicts = new Map<string, number>()
  const time = { wall: 1_800_000_000_000, steady: 1_000_000 }
  const jar: Jar = { access: null, refresh: null }
  const failing = { on: false }
  const timed = new Set<() => void>()
  /** Every refresh token sent, by generation: a second text for one generation would be a second chain. */
  const sent = new Map<number, Set<string>>()
  let sidHash = ''
  let userId = ''

  const clock = { now: (): Now => ({ ...time }) }
  const timers: Timers = {
    every(_ms, work) {
      timed.add(work)
      return () => timed.delete(work)
    },
  }
  const meter: Meter = {
    count(name, labels) {
      if (name === 'session_verdicts_total' && labels?.['verdict'] !== undefined)
        verdicts.set(labels['verdict'], (verdicts.get(labels['verdict']) ?? 0) + 1)
    },
    observe() {},
    gauge() {},
  }
  /** The real store, and a disk that refuses when told to. */
  const store: SessionStore = {
    ...bench.sessions,
    change: async (...args) => {
      if (failing.on) throw new Problem('store_unavailable')
      return bench.sessions.change(...args)
    },
  }
  const boot = (): Sessions =>
    deps.make({ clock, timers, log: silent, meter, store, keyring, settings: deps.settings ?? SETTINGS })
  let sessions = boot()

  function keepCookies(
    setCookies: readonly string[],
    keep: { access: boolean; refresh: boolean } = { access: true, refresh: true },
  ): void {
    for (const line of setCookies) {
      const [pair = ''] = line.split(';')
      const kind = pair.includes('-refresh=') ? 'refresh' : 'access'
      if (keep[kind]) jar[kind] = pair.slice(pair.indexOf('=') + 1) || null
    }
  }

  function record(setCookies: readonly string[]): void {
    for (const line of setCookies) {
      const token = /-refresh=([^;]+)/.exec(line)?.[1]
      if (token === undefined) continue
      const generation = generationOf(token)
      sent.set(generation, (sent.get(generation) ?? new Set()).add(token))
    }
  }

  const world = {
    jar,
    verdicts,
    sent,
    failing,
    now: () => time.steady / 1000,
    get sessions() {
      return sessions
    },
    get userId() {
      return userId
    },

    /** Advances both clocks; timers only run by `tick`. */
    pass(seconds: number) {
      time.wall += seconds * 1000
      time.steady += seconds * 1000
    },
    /** Moves only the wall clock, as if it was set. */
    leap(seconds: number) {
      time.wall += seconds * 1000
    },
    /** Runs the periodic work: writes what is only in memory, and drops what was written. */
    async tick() {
      for (const work of timed) work()
      // Writes keep their order: after this one, the earlier ones are on disk, and a turn later memory reflects them.
      await bench.sessions.saveProgress([])
      await new Promise(resolve => setImmediate(resolve))
    },

    async signIn(options: { remember?: boolean; replaces?: string | null; deliver?: boolean } = {}) {
      if (userId === '') {
        userId = randomId()
        bench.addAccount({ id: userId, roles: ['user'], disabledAt: null, passwordChangedAt: null })
      }
      const { session, issued } = await sessions.open({
        userId,
        amr: ['pwd'],
        remember: options.remember ?? false,
        client: { userAgent: 'model', network: '192.0.2.1' },
        replaces: options.replaces ? { publicId: options.replaces, reauthenticates: false } : null,
        newDevice: false,
        basis: null,
      })
      sidHash = issued.sidHash
      sent.clear()
      const cookies = sessions.cookiesFor(issued)
      record(cookies)
      if (options.deliver ?? true) keepCookies(cookies)
      return session
    },

    send(traits: RequestTraits = PAGE, carried: Jar = { ...jar }): Flight {
      return { carried, traits, sentAt: world.now(), orphan: false, takenAt: null, resolution: null, cookies: null }
    },
    async take(flight: Flight): Promise<Resolution> {
      flight.takenAt = world.now()
      flight.resolution = await sessions.resolve({ ...flight.carried, duplicated: false }, flight.traits)
      return flight.resolution
    },
    /** Sends the headers: only now is it known which cookies are set. */
    leave(flight: Flight): readonly string[] {
      const granted = flight.resolution?.state === 'live' ? flight.resolution.issued : null
      flight.cookies = granted === null ? [] : sessions.cookiesFor(granted)
      record(flight.cookies)
      return flight.cookies
    },
    deliver(flight: Flight, keep?: { access: boolean; refresh: boolean }) {
      if (!flight.orphan) keepCookies(flight.cookies ?? [], keep)
    },
    /** A request whose response arrives at once. */
    async visit(traits: RequestTraits = PAGE, carried?: Jar): Promise<Resolution> {
      const flight = world.send(traits, carried)
      const resolution = await world.take(flight)
      world.leave(flight)
      world.deliver(flight)
      return resolution
    },

    /** kill -9: what was only in memory is lost. */
    crash() {
      timed.clear()
      sessions = boot()
    },
    async drain() {
      await sessions.close()
      sessions = boot()
    },
    row: (): SessionRecord => bench.record(sidHash),
    /** Resets a row to an earlier state, as restoring a backup does while the server is down. */
    restore(row: SessionRecord) {
      bench.put([row])
      world.crash()
    },
    ends: () => bench.log(userId).filter(event => event.kind === 'session_ended'),
    /** A refresh token of an older generation, as a thief would have copied it. */
    token(generation: number): string {
      const [token] = sent.get(generation) ?? []
      if (token === undefined) throw new Error(`generation ${generation} was never sent`)
      return token
    },
    async stop() {
      await sessions.close()
    },
  }
  return world
}

export type World = ReturnType<typeof createWorld>

export function generationOf(refresh: string): number {
  return Number(refresh.split('.')[1])
}
