import type { UnixMs } from './clock.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'
const MONTH = `(?<month>${MONTHS.join('|')})`
/** The preferred form and the two obsolete ones, which a recipient has to accept. */
const FORMS = [
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
]

/**
 * Reads an HTTP-date. `Date.parse` would also take `soon 5`, and asctime's form as local time.
 * @param now a year of two digits is at most fifty years ahead of it
 * @returns null for anything else, such as the 31st of February
 * @see RFC 9110 §5.6.7
 */
export function httpDate(text: string, now: UnixMs): UnixMs | null {
  for (const form of FORMS) {
    const parts = form.exec(text)?.groups
    if (parts === undefined) continue
    const read = (name: string) => Number(parts[name])
    const [day, hour, minute, second] = [read('day'), read('hour'), read('minute'), read('second')]
    const month = MONTHS.indexOf(parts['month'] ?? '')
    // A leap second has no time of its own here.
    const at = Date.UTC(yearOf(parts['year'] ?? '', now), month, day, hour, minute, Math.min(second, 59))
    const isDay = new Date(at).getUTCMonth() === month
    return isDay && day > 0 && hour < 24 && minute < 60 && second <= 60 ? at : null
  }
  return null
}

function yearOf(digits: string, now: UnixMs): number {
  if (digits.length === 4) return Number(digits)
  const thisYear = new Date(now).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + Number(digits)
  return year > thisYear + 50 ? year - 100 : year
}
