import { MAX_LIFE_SECONDS, type Settings } from './settings.ts'

/** The settings that say how long something lives, all in seconds. */
export type Lives = Required<
  Pick<
    Settings,
    | 'accessSeconds'
    | 'idleSeconds'
    | 'browserIdleSeconds'
    | 'absoluteSeconds'
    | 'refreshConfirmSeconds'
    | 'refreshGraceSeconds'
  >
>

/**
 * Every life: as it was set, else its default, moved as far as those that were set need (`judgeTogether` has the
 * rules). Whoever changes one number need not know the others; two that contradict each other are left for the rules to
 * refuse.
 */
export function livesOf(set: Partial<Lives>, defaults: Lives): Lives {
  const absoluteSeconds =
    set.absoluteSeconds ?? Math.max(defaults.absoluteSeconds, set.idleSeconds ?? 0, set.browserIdleSeconds ?? 0)
  const leastAccess = Math.ceil((leastGrace(set) * 8) / 7)
  const idle = (key: 'idleSeconds' | 'browserIdleSeconds') =>
    set[key] ??
    between((set.accessSeconds ?? leastAccess) * 2, defaults[key], Math.min(absoluteSeconds, MAX_LIFE_SECONDS))
  const [idleSeconds, browserIdleSeconds] = [idle('idleSeconds'), idle('browserIdleSeconds')]

  const longestAccess = Math.floor(Math.min(idleSeconds, browserIdleSeconds) / 2)
  const accessSeconds = set.accessSeconds ?? between(leastAccess, defaults.accessSeconds, longestAccess)
  const longestGrace = Math.max(1, Math.floor((accessSeconds * 7) / 8))
  const refreshGraceSeconds =
    set.refreshGraceSeconds ?? between(leastGrace(set), defaults.refreshGraceSeconds, longestGrace)
  const refreshConfirmSeconds =
    set.refreshConfirmSeconds ?? Math.min(defaults.refreshConfirmSeconds, Math.floor(refreshGraceSeconds / 2))
  return { accessSeconds, idleSeconds, browserIdleSeconds, absoluteSeconds, refreshConfirmSeconds, refreshGraceSeconds }
}

/** What was set of the two asks for at least so much of the other. */
function leastGrace({ refreshGraceSeconds, refreshConfirmSeconds }: Partial<Lives>): number {
  return refreshGraceSeconds ?? (refreshConfirmSeconds === undefined ? 1 : refreshConfirmSeconds + 1)
}

/** As near to what is wanted as the bounds allow; the upper one wins. */
function between(least: number, wanted: number, most: number): number {
  return Math.min(Math.max(least, wanted), most)
}
