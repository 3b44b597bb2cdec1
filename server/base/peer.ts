import { isIP } from 'node:net'

const SAYS = ' says '

/**
 * Combines an untrusted peer's address with the client address that it claims to forward. Only good for telling its
 * clients apart.
 */
export function unconfirmed(peer: string, said: string): string {
  return isIP(said) === 0 ? peer : `${peer}${SAYS}${said}`
}

/** The two halves of an unconfirmed address; `claimed` is null for any other address. */
export function splitUnconfirmed(address: string): { peer: string; said: string | null } {
  const [peer = '', said = null] = address.split(SAYS)
  return { peer, said }
}

/**
 * The address that may be stored, logged and forwarded: the one that was observed, without the unconfirmed claim (ASVS
 * 4.1.3).
 */
export function peerOf(address: string): string {
  return splitUnconfirmed(address).peer
}
