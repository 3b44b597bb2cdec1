import { describe, expect, test } from 'vitest'
import { translate } from './translate.ts'

const WORDS = {
  greeting: 'Welcome home, {name}',
  of: {
    windows: 'one window | {n} windows',
    people: 'nobody | one | {n} people',
    one: 'only',
    open: '{what} is open | {what} is open in {n} windows',
  },
}

describe('a sentence', () => {
  test.each([
    ['greeting', { name: 'Ada' }, 'Welcome home, Ada'],
    ['greeting', { name: '{name} $& $1' }, 'Welcome home, {name} $& $1'],
    ['greeting', {}, 'Welcome home, {name}'],
    ['of.one', 3, 'only'],
    ['of.windows', 1, 'one window'],
    ['of.windows', 0, '0 windows'],
    ['of.windows', 12, '12 windows'],
    ['of.people', 0, 'nobody'],
    ['of.people', 1, 'one'],
    ['of.people', 2, '2 people'],
    ['of.open', { n: 1, what: 'Notes' }, 'Notes is open'],
    ['of.open', { n: 2, what: 'Notes' }, 'Notes is open in 2 windows'],
  ])('%s with %j is "%s"', (key, values, sentence) => {
    expect(translate(WORDS, key, values)).toBe(sentence)
  })

  test.each(['missing', 'of', 'of.missing', 'of.one.more', 'toString', '__proto__.x'])(
    'that is not there shows its key: %s',
    key => {
      expect(translate(WORDS, key)).toBe(key)
    },
  )
})
