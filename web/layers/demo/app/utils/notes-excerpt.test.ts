import { expect, test } from 'vitest'
import { excerpt } from './notes-excerpt.ts'

test('a short note is its own beginning, on one line', () => {
  expect(excerpt('  milk\n\tand bread ')).toBe('milk and bread')
})

test('a long one is cut between what people see as characters', () => {
  const family = '👩‍👩‍👧‍👦'
  const accented = 'é'.normalize('NFD')
  expect(excerpt(family.repeat(150))).toBe(`${family.repeat(40)}…`)
  expect(excerpt(accented.repeat(41))).toBe(`${accented.repeat(40)}…`)
  expect(excerpt(accented.repeat(40))).toBe(accented.repeat(40))
})
