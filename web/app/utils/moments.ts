const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const STEPS: [limit: number, size: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [HOUR, MINUTE, 'minute'],
  [DAY, HOUR, 'hour'],
  [8 * DAY, DAY, 'day'],
]

/**
 * A phrase such as "3 hours ago" or "in 6 days".
 * @param at unix milliseconds
 * @param justNow the phrase for less than a minute
 * @returns null beyond about a week, where a date says more
 */
export function relativeTime(at: number, now: number, locale: string, justNow: string): string | null {
  const away = at - now
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  if (Math.abs(away) < MINUTE) return justNow
  const step = STEPS.find(([limit]) => Math.abs(away) < limit)
  return step === undefined ? null : format.format(Math.trunc(away / step[1]), step[2])
}

export function fullDate(at: number, locale: string, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat(locale, {
    dateStyle: 'medium',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(at)
}

export function fullDateTime(at: number, locale: string, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat(locale, {
    dateStyle: 'long',
    timeStyle: 'short',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(at)
}
