import { isReserved } from '../../contract/reserved.ts'
import { DOCUMENT_POLICY } from '../../relay/response-headers.ts'
import type { Match } from '../../relay/route-matcher.ts'
import { type FrontEnd, RENDERED_POLICY } from './front-end.ts'

type Matcher = (path: string) => Match | null

/**
 * Routes every path that is neither reserved nor an upstream's to the front end, which is one more upstream, with an
 * empty prefix.
 */
export function orFrontEnd(match: Matcher, front: FrontEnd, reserved: readonly string[]): Matcher {
  if (front.kind !== 'upstream') return match
  const { upstream } = front
  return path => match(path) ?? (isReserved(path, reserved) || !path.startsWith('/') ? null : { upstream, path })
}

/**
 * The policy of a front end's page.
 * @param sent the policy that the relay derived from its response
 */
export function frontPolicy(front: FrontEnd, sent: string | null): string | null {
  if (front.kind !== 'upstream') return sent
  if (front.policy !== null) return front.policy
  if (sent === null || sent === DOCUMENT_POLICY) return RENDERED_POLICY
  // A policy without frame-ancestors would allow any site to frame pages on which users are signed in.
  return /(?:^|[;,])\s*frame-ancestors\b/i.test(sent) ? sent : `${sent}, ${DOCUMENT_POLICY}`
}
