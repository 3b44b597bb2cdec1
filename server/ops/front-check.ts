import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Clock, MINUTE, type SteadyMs } from '../base/clock.ts'

// What the doctor sends through the public URL, to find out what stands in front does to it. The server answers such
// requests only to whoever got a token from the control socket a moment ago; to everybody else these paths do not
// exist.

/** The header that carries the token: no log of a proxy keeps it. */
export const CHECK_HEADER = 'x-porchlight-check'
export const CHECK_PREFIX = '/auth/doctor/'
/** `look` and `forged`: how a request arrives, without and with an X-Forwarded-For that the doctor made up · `body`,
 * `stream`,
 * `socket`: whether these get through. */
export type CheckAction = 'look' | 'forged' | 'body' | 'stream' | 'socket'
export const FORGED_ADDRESS = '198.51.100.77'
/** More than the megabyte that nginx allows by itself. */
export const BODY_BYTES = 2 * 1024 * 1024
/**
 * What `stream` sends, and how long it waits after each. Some proxies let the first bytes through and hold what comes
 * later.
 */
export const STREAM_EVENTS = ['first', 'second', 'third'] as const
export const STREAM_GAP_MS = 700

/** One request of the doctor's, as it arrived. */
export interface Sighting {
  path: string
  upgrade: boolean
  peer: { address: string; port: number }
  peerTrusted: boolean
  forwardedFor: string | null
  /** Who the server takes the client for. */
  client: string
}

/** What the server saw since the check began. */
export interface Seen {
  sightings: Sighting[]
  proxyProtocol: boolean
}

export interface FrontCheck {
  /** Begins a check, and ends the one before. */
  begin(): { token: string }
  seen(): Seen
  /**
   * Notes a request that brings the token.
   * @returns false: it is nobody's, or too much has come with it
   */
  note(token: string, sighting: Sighting): boolean
  /** A connection began with the preamble of the PROXY protocol. */
  noteProxyProtocol(): void
}

const LIFE_MS = MINUTE
const MOST_REQUESTS = 16

export function createFrontCheck(clock: Clock): FrontCheck {
  let current: { hash: Buffer; until: SteadyMs; seen: Seen } | null = null

  return {
    begin() {
      const token = randomBytes(24).toString('base64url')
      const seen = { sightings: [], proxyProtocol: false }
      current = { hash: hashOf(token), until: clock.now().steady + LIFE_MS, seen }
      return { token }
    },
    seen: () => current?.seen ?? { sightings: [], proxyProtocol: false },
    note(token, sighting) {
      if (current === null || clock.now().steady > current.until) return false
      if (!timingSafeEqual(hashOf(token), current.hash)) return false
      if (current.seen.sightings.length >= MOST_REQUESTS) return false
      current.seen.sightings.push(sighting)
      return true
    },
    noteProxyProtocol() {
      if (current !== null) current.seen.proxyProtocol = true
    },
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
