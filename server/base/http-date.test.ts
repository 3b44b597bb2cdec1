import { expect, test } from 'vitest'
import { httpDate } from './http-date.ts'

const NOW = Date.UTC(2026, 10, 29)
const EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37)

test.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', EXAMPLE],
  ['Sunday, 06-Nov-94 08:49:37 GMT', EXAMPLE],
  ['Sun Nov  6 08:49:37 1994', EXAMPLE],
  ['Sun Nov 06 08:49:37 1994', EXAMPLE],
  ['Monday, 01-Jan-70 00:00:00 GMT', Date.UTC(2070, 0, 1)],
  ['Thu, 29 Feb 2024 23:59:60 GMT', Date.UTC(2024, 1, 29, 23, 59, 59)],
  ['Thu, 29 Feb 2024 23:59:61 GMT', null],
  ['Thu, 00 Feb 2024 23:59:00 GMT', null],
  ['Sun, 29 Nov 2026 00:00:30 GMT', NOW + 30_000],
  ['sun, 06 nov 1994 08:49:37 gmt', null],
  ['Sun, 6 Nov 1994 08:49:37 GMT', null],
  ['Sun, 06 Nov 1994 08:49:37 +0000', null],
  ['Sun, 06 Nov 1994 08:49:37', null],
  ['Tue, 31 Feb 2026 08:49:37 GMT', null],
  ['Sun, 06 Nov 1994 25:00:00 GMT', null],
  ['soon 5', null],
  ['1994-11-06T08:49:37Z', null],
  ['30', null],
  ['', null],
])('RFC 9110 §5.6.7 %j is read as %s', (text, expected) => {
  expect(httpDate(text, NOW)).toBe(expected)
})
