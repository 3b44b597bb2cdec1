import { parseAccept } from 'hono/utils/accept'

export type Coding = 'br' | 'gzip'

/** The codings that we can compress with, the better one first. */
export const CODINGS: readonly Coding[] = ['br', 'gzip']

/**
 * The content coding that the client prefers (RFC 9110 §12.5.3); among equals, the first available one.
 * @returns null for identity, which is also the fallback for a client that refuses everything
 */
export function chooseCoding(accepted: string | undefined, available: readonly Coding[]): Coding | null {
  const weights = new Map(parseAccept(accepted ?? '').map(({ type, q }) => [canonical(type), q]))
  const others = weights.get('*')
  // A client that lists codings without `identity` prefers those.
  let best = weights.get('identity') ?? 0
  let chosen: Coding | null = null
  for (const coding of available) {
    const weight = weights.get(coding) ?? others ?? 0
    if (weight > best || (chosen === null && weight > 0 && weight === best)) [best, chosen] = [weight, coding]
  }
  return chosen
}

/** `x-gzip` is an alias of `gzip` (RFC 9110 §8.4.1.3). */
function canonical(type: string): string {
  const lower = type.toLowerCase()
  return lower === 'x-gzip' ? 'gzip' : lower
}

/** Whether the client already has this response (RFC 9110 §13.1.2). */
export function matchesEtag(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch === '*' || ifNoneMatch.split(',').some(tag => tag.trim().replace(/^W\//, '') === etag)
}
