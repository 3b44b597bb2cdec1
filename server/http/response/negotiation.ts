import { parseAccept } from 'hono/utils/accept'

export type Coding = 'br' | 'gzip'

/** What we can make of a page, the better one first. */
export const CODINGS: readonly Coding[] = ['br', 'gzip']

/**
 * The content coding that a client likes best (RFC 9110 §12.5.3), and of those that it likes alike the first that we
 * have.
 * @returns null: as it is, which is also what remains to be sent to a client that refuses everything
 */
export function chooseCoding(accepted: string | undefined, available: readonly Coding[]): Coding | null {
  const weights = new Map(parseAccept(accepted ?? '').map(({ type, q }) => [canonical(type), q]))
  const others = weights.get('*')
  // Whoever names what it takes, and not `identity`, would rather have that.
  let best = weights.get('identity') ?? 0
  let chosen: Coding | null = null
  for (const coding of available) {
    const weight = weights.get(coding) ?? others ?? 0
    if (weight > best || (chosen === null && weight > 0 && weight === best)) [best, chosen] = [weight, coding]
  }
  return chosen
}

/** `x-gzip` is an old name of `gzip` (RFC 9110 §8.4.1.3). */
function canonical(type: string): string {
  const lower = type.toLowerCase()
  return lower === 'x-gzip' ? 'gzip' : lower
}

/** Whether a client has this very answer already (RFC 9110 §13.1.2). */
export function matchesEtag(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch === '*' || ifNoneMatch.split(',').some(one => one.trim().replace(/^W\//, '') === etag)
}
