import { describe, expect, test } from 'vitest'
import { randomHex, readParent, traceparentOf } from './trace-context.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

describe('W3C Trace Context §3.2: a traceparent', () => {
  test.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    [`00-${TRACE}-${SPAN}-03`, true],
    [`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, true],
  ])('%s is one', (text, isSampled) =>
    expect(readParent(text, undefined)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled, state: null }),
  )

  test.each([
    undefined,
    '',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `cc-${TRACE}-${SPAN}-01.x`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
  ])('%j is none', text => expect(readParent(text, undefined)).toBeNull())

  test('is written as version 00 with the one flag that it knows', () => {
    expect(traceparentOf({ traceId: TRACE, spanId: SPAN, isSampled: true })).toBe(`00-${TRACE}-${SPAN}-01`)
  })
})

test('W3C Trace Context §3.3: a tracestate is kept as it is, unless it is too long or not printable', () => {
  const stateOf = (state: string) => readParent(`00-${TRACE}-${SPAN}-01`, state)?.state
  expect(stateOf('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')).toBe('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')
  expect(stateOf('x'.repeat(512))).toHaveLength(512)
  expect(stateOf('x'.repeat(513))).toBeNull()
  expect(stateOf('a=\u0007')).toBeNull()
  expect(stateOf('')).toBeNull()
})

test('ids are of the wanted length and all different', () => {
  const ids = Array.from({ length: 2000 }, (_, index) => randomHex(index % 2 === 0 ? 8 : 16))
  expect(ids.every((id, index) => new RegExp(`^[\\da-f]{${index % 2 === 0 ? 16 : 32}}$`).test(id))).toBe(true)
  expect(new Set(ids).size).toBe(ids.length)
})
