import { expect, test } from 'vitest'
import { refuseCachedPages } from './route-rules.ts'

test.each([{ cache: { maxAge: 60 } }, { swr: true }, { swr: 60 }, { isr: true }])(
  'the build refuses %j on a page',
  rule => {
    expect(() => refuseCachedPages({ '/account': rule })).toThrow('/account')
    expect(() => refuseCachedPages({ '/**': rule })).toThrow('/**')
  },
)

test('data may be cached, and a page may have other rules', () => {
  expect(() => refuseCachedPages({ '/api/weather': { swr: 60 }, '/account': { cache: false }, '/': {} })).not.toThrow()
})
