import { isReserved, isUnder } from '../../contract/reserved.ts'
import { DOCUMENT_POLICY } from '../../relay/response-headers.ts'
import type { Match } from '../../relay/route-matcher.ts'
import { closedToFrames, withSources } from '../response/page-policy.ts'
import { type FrontEnd, RENDERED_POLICY } from './front-end.ts'

type Matcher = (path: string) => Match | null

/**
 * Routes every path that is neither reserved nor an upstream's to the front end, which is one more upstream, with an
 * empty prefix. With `serverRoutes`, so is the rest of `/api`.
 */
export function orFrontEnd(match: Matcher, front: FrontEnd, reserved: readonly string[]): Matcher {
  if (front.kind !== 'upstream') return match
  const { upstream, serverRoutes } = front
  // Only in this spelling: another may not reach what an upstream below /api refuses.
  const isTheirs = (path: string) =>
    path.startsWith('/') && ((serverRoutes && isUnder(path, '/api')) || !isReserved(path, reserved))
  return path => match(path) ?? (isTheirs(path) ? { upstream, path } : null)
}

/**
 * The policy of a front end's page.
 * @param sent the policy that the relay derived from its response
 */
export function frontPolicy(front: FrontEnd, sent: string | null): string | null {
  if (front.kind !== 'upstream') return sent
  if (typeof front.policy === 'string') return closedToFrames(front.policy, RENDERED_POLICY)
  const policy = sent === null || sent === DOCUMENT_POLICY ? RENDERED_POLICY : closedToFrames(sent, RENDERED_POLICY)
  return front.policy === null ? policy : withSources(policy, front.policy)
}
