import { DAY, MINUTE } from '../base/clock.ts'
import { MAX_LIFE_SECONDS, type Settings } from './settings.ts'

/** The settings that are lifetimes, all in seconds. */
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
 * Every lifetime: the configured value, or else the default, adjusted as far as the configured ones require (see
 * `judgeTogether`). An operator can therefore change one number without knowing the others; configured values that
 * contradict each other are left for the rules to reject.
 */
export function livesOf(set: Partial<Lives>, defaults: Lives): Lives {
  const absoluteSeconds =
    set.absoluteSeconds ?? Math.max(defaults.absoluteSeconds, set.idleSeconds ?? 0, set.browserIdleSeconds ?? 0)
  const minAccess = Math.ceil((minGrace(set) * 8) / 7)
  const idle = (key: 'idleSeconds' | 'browserIdleSeconds') =>
    set[key] ?? clamp((set.accessSeconds ?? minAccess) * 2, defaults[key], Math.min(absoluteSeconds, MAX_LIFE_SECONDS))
  const [idleSeconds, browserIdleSeconds] = [idle('idleSeconds'), idle('browserIdleSeconds')]

  const maxAccess = Math.floor(Math.min(idleSeconds, browserIdleSeconds) / 2)
  const accessSeconds = set.accessSeconds ?? clamp(minAccess, defaults.accessSeconds, maxAccess)
  const maxGrace = Math.max(1, Math.floor((accessSeconds * 7) / 8))
  const refreshGraceSeconds = set.refreshGraceSeconds ?? clamp(minGrace(set), defaults.refreshGraceSeconds, maxGrace)
  const refreshConfirmSeconds =
    set.refreshConfirmSeconds ?? Math.min(defaults.refreshConfirmSeconds, Math.floor(refreshGraceSeconds / 2))
  return { accessSeconds, idleSeconds, browserIdleSeconds, absoluteSeconds, refreshConfirmSeconds, refreshGraceSeconds }
}

/** By default, a link that opens an existing account lives as long as it takes to send it, and an invitation a week. */
export function toLinkLives(linkDays: number | undefined): { inviteMs: number; resetMs: number } {
  return linkDays === undefined
    ? { inviteMs: 7 * DAY, resetMs: 30 * MINUTE }
    : { inviteMs: linkDays * DAY, resetMs: linkDays * DAY }
}

/** The smallest grace period that the configured values allow. */
function minGrace({ refreshGraceSeconds, refreshConfirmSeconds }: Partial<Lives>): number {
  return refreshGraceSeconds ?? (refreshConfirmSeconds === undefined ? 1 : refreshConfirmSeconds + 1)
}

/** Clamps `wanted` to the bounds; the upper one wins. */
function clamp(min: number, wanted: number, max: number): number {
  return Math.min(Math.max(min, wanted), max)
}
