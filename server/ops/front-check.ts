import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Clock, MINUTE, type SteadyMs } from '../base/clock.ts'

// The requests that the doctor sends through the public URL to examine the proxy in front. The server only answers them
// with a token that was just issued over the control socket; without one, these paths do not exist.

/** The header with the token: unlike paths, headers are not logged by proxies. */
export const CHECK_HEADER = 'x-porchlight-check'
export const CHECK_PREFIX = '/auth/doctor/'
/** `look` and `forged`: how a request arrives, without and with a forged X-Forwarded-For · `body`, `stream`, `socket`: whether these get through. */
export type CheckAction = 'look' | 'forged' | 'body' | 'stream' | 'socket'
export const FORGED_ADDRESS = '198.51.100.77'
/** More than nginx's default limit of one megabyte. */
export const BODY_BYTES = 2 * 1024 * 1024
/** The events of `stream`, with a pause after each. Some proxies forward the first bytes and buffer what follows. */
export const STREAM_EVENTS = ['first', 'second', 'third'] as const
export const STREAM_GAP_MS = 700

/** One of the doctor's requests, as it arrived. */
export interface Sighting {
  path: string
  upgrade: boolean
  peer: { address: string; port: number }
  peerTrusted: boolean
  forwardedFor: string | null
  /** The client address that the server derived. */
  client: string
}

/** `unexpected`: a header from a peer from which none is read · `missing`: none where it is required */
export interface ProxyTrouble {
  problem: 'unexpected' | 'missing'
  peer: string
}

/** What the server has received since the check began. */
export interface Seen {
  sightings: Sighting[]
  /** The last connection whose PROXY protocol was not as configured. */
  proxyProtocol: ProxyTrouble | null
}

export interface FrontCheck {
  /** Begins a check, ending any previous one. */
  begin(): { token: string }
  seen(): Seen
  /**
   * Records a request with a token.
   * @returns false if the token is invalid, or too many requests came with it
   */
  note(token: string, sighting: Sighting): boolean
  /** Records a connection whose PROXY protocol is not as configured. */
  noteProxyProtocol(trouble: ProxyTrouble): void
}

const LIFE_MS = MINUTE
const MOST_REQUESTS = 16

export function createFrontCheck(clock: Clock): FrontCheck {
  let current: { hash: Buffer; until: SteadyMs; seen: Seen } | null = null

  return {
    begin() {
      const token = randomBytes(24).toString('base64url')
      const seen = { sightings: [], proxyProtocol: null }
      current = { hash: hashOf(token), until: clock.now().steady + LIFE_MS, seen }
      return { token }
    },
    seen: () => current?.seen ?? { sightings: [], proxyProtocol: null },
    note(token, sighting) {
      if (current === null || clock.now().steady > current.until) return false
      if (!timingSafeEqual(hashOf(token), current.hash)) return false
      if (current.seen.sightings.length >= MOST_REQUESTS) return false
      current.seen.sightings.push(sighting)
      return true
    },
    noteProxyProtocol(trouble) {
      if (current !== null) current.seen.proxyProtocol = trouble
    },
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
