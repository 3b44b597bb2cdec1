import { expect, test } from 'vitest'
import { isPrefetch } from './prefetch.ts'

test.each([
  { 'sec-purpose': 'prefetch' },
  { 'sec-purpose': 'prefetch;prerender' },
  { 'sec-purpose': 'prefetch;anonymous-client-ip' },
  { purpose: 'prefetch' },
  { 'x-purpose': 'preview' },
  { 'x-moz': 'Prefetch' },
])('a page requested before anybody follows a link is recognised: %j', headers => {
  expect(isPrefetch(headers)).toBe(true)
})

test.each([
  {},
  { 'sec-purpose': '' },
  { 'sec-purpose': 'prefetching' },
  { purpose: 'navigate' },
  { accept: 'prefetch' },
])('a page that somebody asks for is none: %j', headers => {
  expect(isPrefetch(headers)).toBe(false)
})
