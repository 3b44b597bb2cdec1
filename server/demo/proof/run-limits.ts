import { type Clock, MINUTE, SECOND, type SteadyMs } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'

/** A run sends a hundred requests within seconds, and a person watches one at a time. */
const PER_MINUTE = 6
const AT_ONCE = 4
const TRY_AGAIN_SECONDS = 5

/**
 * Keeps demonstrations from overloading the server: one at a time per account, and a few in all.
 * @returns starts a run or throws Problem `slow_down`; the function that it returns ends the run
 */
export function createLimits({ clock }: { clock: Clock }): (userId: string) => () => void {
  const running = new Set<string>()
  const begun = new Map<string, SteadyMs[]>()

  return userId => {
    const now = clock.now().steady
    for (const [person, times] of begun) if (times.every(at => now - at >= MINUTE)) begun.delete(person)
    const recent = (begun.get(userId) ?? []).filter(at => now - at < MINUTE)
    if (running.has(userId) || running.size >= AT_ONCE)
      throw new Problem('slow_down', { retryAfter: TRY_AGAIN_SECONDS })
    const [oldest] = recent
    if (oldest !== undefined && recent.length >= PER_MINUTE)
      throw new Problem('slow_down', { retryAfter: Math.ceil((oldest + MINUTE - now) / SECOND) })
    begun.set(userId, [...recent, now])
    running.add(userId)
    return () => running.delete(userId)
  }
}
