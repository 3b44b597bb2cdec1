import { isIP } from 'node:net'

const SAYS = ' says '

/** Who asks when a peer that is not trusted says for whom: good for telling its clients apart, and for nothing else. */
export function unconfirmed(peer: string, said: string): string {
  return isIP(said) === 0 ? peer : `${peer}${SAYS}${said}`
}

/** The two halves of an unconfirmed address; `said` is null for any other. */
export function splitUnconfirmed(address: string): { peer: string; said: string | null } {
  const [peer = '', said = null] = address.split(SAYS)
  return { peer, said }
}

/**
 * What may be recorded, logged and passed on: the address that was seen, without what nobody confirmed (ASVS 4.1.3).
 */
export function peerOf(address: string): string {
  return splitUnconfirmed(address).peer
}
