import { describe, expect, test } from 'vitest'
import { durationOf, instantOf } from './numbers.ts'

const TEN_YEARS = 315_360_000

describe('numbers from outside become bounded integers where they enter', () => {
  test.each([
    [300, 300],
    [0, 0],
    [-0, 0],
    [299.9, 299],
    ['300', 300],
    [' 300 ', 300],
    ['299.9', 299],
    ['3e2', 300],
    [1e17, TEN_YEARS],
    ['1e999', TEN_YEARS],
    [Infinity, TEN_YEARS],
    [-1, null],
    [-Infinity, null],
    [Number.NaN, null],
    ['NaN', null],
    ['', null],
    [' ', null],
    ['-1', null],
    ['0x10', null],
    ['5 minutes', null],
    [null, null],
    [undefined, null],
    [true, null],
    [[300], null],
    [{ valueOf: () => 300 }, null],
    [300n, null],
  ])('durationOf(%o) is %o seconds', (given, expected) => {
    expect(durationOf(given)).toBe(expected)
  })

  test.each([
    [1_795_870_570.876_543_3, 1_795_870_570_000],
    [1_795_870_570, 1_795_870_570_000],
    [0, 0],
    [1e17, 253_402_300_799_000],
    [Infinity, 253_402_300_799_000],
    [-1, null],
    [Number.NaN, null],
    ['soon', null],
    [null, null],
  ])('instantOf(%o) is %o', (given, expected) => {
    expect(instantOf(given)).toBe(expected)
    expect(expected === null || Number.isSafeInteger(expected)).toBe(true)
  })
})
