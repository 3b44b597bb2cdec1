import { isReserved } from '../../contract/reserved.ts'
import { DOCUMENT_POLICY } from '../../relay/response-headers.ts'
import type { Match } from '../../relay/route-matcher.ts'
import { type FrontEnd, RENDERED_POLICY } from './front-end.ts'

type Matcher = (path: string) => Match | null

/**
 * Every path that is neither reserved nor an upstream's is the front end's: it is one more upstream, without a prefix,
 * and what goes to it takes the relay's way.
 */
export function orFrontEnd(match: Matcher, front: FrontEnd): Matcher {
  if (front.kind !== 'upstream') return match
  const { upstream } = front
  return path => match(path) ?? (isReserved(path) || !path.startsWith('/') ? null : { upstream, path })
}

/**
 * The policy of a page of the front end.
 * @param sent what the relay makes of what it sent itself
 */
export function frontPolicy(front: FrontEnd, sent: string | null): string | null {
  if (front.kind !== 'upstream') return sent
  if (front.policy !== null) return front.policy
  if (sent === null || sent === DOCUMENT_POLICY) return RENDERED_POLICY
  // One that says nothing of frames would let anybody frame a page on which people are signed in.
  return /(?:^|[;,])\s*frame-ancestors\b/i.test(sent) ? sent : `${sent}, ${DOCUMENT_POLICY}`
}
