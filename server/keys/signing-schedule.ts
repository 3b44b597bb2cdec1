import { MINUTE, type UnixMs } from '../base/clock.ts'
import type { SigningAlg, SigningKey } from './signing-key.ts'

export interface SigningSettings {
  /** What new tokens are signed with. */
  upstreamTokenAlg: SigningAlg
  /** How long a token lives at most. */
  upstreamTokenMs: number
  /** How long whoever fetched the published keys may keep them. */
  jwksMaxAgeMs: number
  /** How old the newest key gets before the next one is made. */
  signingRotationMs: number
}

type Timed = Pick<SigningKey, 'alg' | 'createdAt' | 'signsAt'>

/**
 * What a key is good for. `published`: its turn to sign has not come · `verifies`: it had its turn, and tokens of it
 * may still be about · `retired`: nothing that it signed is valid any more.
 */
export type SigningUse = 'published' | 'signs' | 'verifies' | 'retired'

/**
 * Upstreams keep the published keys for the max-age, and a cache on the way that tells no age does so once more before.
 */
export function leadMs({ jwksMaxAgeMs }: SigningSettings): number {
  return 2 * jwksMaxAgeMs
}

/**
 * When a key that is made now may sign: once nobody can hold a set of keys without it. The very first one at once, for
 * nobody can hold a set without it either.
 */
export function signsAtFor(keys: readonly Timed[], settings: SigningSettings, now: UnixMs): UnixMs {
  return keys.length === 0 ? now : now + leadMs(settings)
}

/**
 * Whether a new key has to be made: there is none, or the newest one is of another algorithm than the setting says. One
 * from a future that a wrong clock saw is not the newest where there are others: each start would make one more.
 */
export function needsKey(keys: readonly Timed[], settings: SigningSettings, now: UnixMs): boolean {
  const made = keys.filter(key => key.createdAt <= now + MINUTE)
  const newest = inTurn(made.length > 0 ? made : keys).at(-1)
  return newest === undefined || newest.alg !== settings.upstreamTokenAlg
}

/**
 * Whether the newest key is so old that its successor has to be made. Keys from a future that a wrong clock saw do not
 * count, and where there are no others nothing is known of their age: `settled` begins it anew.
 */
export function isDue(keys: readonly Timed[], { signingRotationMs }: SigningSettings, now: UnixMs): boolean {
  const newest = Math.max(...keys.map(key => key.createdAt).filter(at => at <= now))
  return Number.isFinite(newest) && now - newest >= signingRotationMs
}

/**
 * The keys, with the age of the one that signs counted from now where a clock that was ahead made it in what is the
 * future again. The same list where nothing has to change.
 */
export function settled<Key extends Timed>(keys: readonly Key[], now: UnixMs): readonly Key[] {
  const first = inTurn(keys)[0]
  if (first === undefined || first.signsAt <= now) return keys
  return keys.map(key => (key === first ? { ...key, createdAt: now, signsAt: now } : key))
}

/** Each key with its use at this time, in the order of their turns to sign. Unless there are no keys, exactly one
 * signs:
 * the last whose turn has come, or the first of all when the clock was set back to before that.
 * @returns `retiresAt`: when the last token that it signed has ended and been forgotten by every cache; null while
 * it is
 *   not known when that will be */
export function scheduleOf<Key extends Timed>(
  keys: readonly Key[],
  settings: SigningSettings,
  now: UnixMs,
): { key: Key; use: SigningUse; retiresAt: UnixMs | null }[] {
  const turns = inTurn(keys)
  const signing = Math.max(
    0,
    turns.findLastIndex(key => key.signsAt <= now),
  )
  return turns.map((key, turn) => {
    const next = turns[turn + 1]
    const retiresAt = next === undefined ? null : next.signsAt + settings.upstreamTokenMs + settings.jwksMaxAgeMs
    return { key, use: useOf(turn - signing, retiresAt, now), retiresAt }
  })
}

function useOf(distance: number, retiresAt: UnixMs | null, now: UnixMs): SigningUse {
  if (distance === 0) return 'signs'
  if (distance > 0) return 'published'
  return retiresAt !== null && now >= retiresAt ? 'retired' : 'verifies'
}

function inTurn<Key extends Timed>(keys: readonly Key[]): Key[] {
  return keys.toSorted((a, b) => a.signsAt - b.signsAt || a.createdAt - b.createdAt)
}
