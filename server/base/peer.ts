import { isIP } from 'node:net'

const SEPARATOR = ' says '

/**
 * Combines an untrusted peer's address with the client address that it claims to forward. Only good for telling its
 * clients apart.
 */
export function unconfirmed(peer: string, claimed: string): string {
  return isIP(claimed) === 0 ? peer : `${peer}${SEPARATOR}${claimed}`
}

/** The two halves of an unconfirmed address; `claimed` is null for any other address. */
export function splitUnconfirmed(address: string): { peer: string; claimed: string | null } {
  const [peer = '', claimed = null] = address.split(SEPARATOR)
  return { peer, claimed }
}

/**
 * The address that may be stored, logged and forwarded: the one that was observed, without the unconfirmed claim (ASVS
 * 4.1.3).
 */
export function peerOf(address: string): string {
  return splitUnconfirmed(address).peer
}
