import { MINUTE, type UnixMs } from '../base/clock.ts'
import type { SigningAlg, SigningKey } from './signing-key.ts'

export interface SigningSettings {
  /** The algorithm of new tokens. */
  upstreamTokenAlg: SigningAlg
  /** The maximum lifetime of a token. */
  upstreamTokenMs: number
  /** How long clients may cache the published keys. */
  jwksMaxAgeMs: number
  /** The age of the newest key at which the next one is created. */
  signingRotationMs: number
}

type Timed = Pick<SigningKey, 'alg' | 'createdAt' | 'signsAt'>

/** `published`: it does not sign yet · `verifies`: it no longer signs, but its tokens may still be in use · `retired`: nothing that it signed is still valid. */
export type SigningUse = 'published' | 'signs' | 'verifies' | 'retired'

/**
 * Upstreams cache the published keys for the max-age, after an intermediate cache that sends no Age may have done the
 * same.
 */
export function leadMs({ jwksMaxAgeMs }: SigningSettings): number {
  return 2 * jwksMaxAgeMs
}

/**
 * When a key created now may sign: once nobody can have a cached set without it. The very first key signs at once,
 * because no set without it exists.
 */
export function signsAtFor(keys: readonly Timed[], settings: SigningSettings, now: UnixMs): UnixMs {
  return keys.length === 0 ? now : now + leadMs(settings)
}

/**
 * Whether a new key is needed: there is none, or the newest has another algorithm than configured. A key dated in the
 * future (by a wrong clock) is not the newest if there are others, or each start would create one more.
 */
export function needsKey(keys: readonly Timed[], settings: SigningSettings, now: UnixMs): boolean {
  const past = keys.filter(key => key.createdAt <= now + MINUTE)
  const newest = inTurn(past.length > 0 ? past : keys).at(-1)
  return newest === undefined || newest.alg !== settings.upstreamTokenAlg
}

/**
 * Whether the newest key is old enough for rotation. Keys dated in the future (by a wrong clock) do not count; if there
 * are no others, their age is unknown and `settled` restarts it.
 */
export function isDue(keys: readonly Timed[], { signingRotationMs }: SigningSettings, now: UnixMs): boolean {
  const newest = Math.max(...keys.map(key => key.createdAt).filter(at => at <= now))
  return Number.isFinite(newest) && now - newest >= signingRotationMs
}

/**
 * Restarts the age of the signing key if a fast clock dated it in the future. Returns the same list if nothing changes.
 */
export function restartAge<Key extends Timed>(keys: readonly Key[], now: UnixMs): readonly Key[] {
  const first = inTurn(keys)[0]
  if (first === undefined || first.signsAt <= now) return keys
  return keys.map(key => (key === first ? { ...key, createdAt: now, signsAt: now } : key))
}

/**
 * Each key with its use at this time, in signing order. Unless there are no keys, exactly one signs: the last whose
 * turn has come, or the first of all if the clock was set back to before that.
 * @returns `retiresAt`: when its last token has expired and every cache has dropped it; null as long as no successor is
 * scheduled
 */
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
