import { expect, test } from 'vitest'
import { generationOf, tokensIn } from './token-shapes.ts'

const REFRESH = `${'a'.repeat(22)}.12.${'B-'.repeat(21)}b`
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl'
const JWE = 'eyJhbGciOiJkaXIifQ..aXYxMjM0NTY.Y2lwaGVydGV4dA.dGFn'

test.each([REFRESH, JWT, JWE])('%s is found anywhere in a text', token => {
  for (const text of [token, `x=${token};`, `{"a":"${token}"}`, `Bearer ${token}\n`, `<p>${token}</p>`])
    expect(tokensIn(text)).toEqual([token])
})

test('names, ids, hashes and versions are not taken for tokens', () => {
  const texts = [
    'a sentence. Another one. A third.',
    'abcdefghijklmnopqrstuv',
    '1.2.3',
    'index.Bd7f1C2e.js',
    'eyJ',
    'https://example.org/a.b.c',
    'eyJhbGciOiJkaXIifQ alone',
  ]
  expect(texts.flatMap(tokensIn)).toEqual([])
})

test('the generation is the number in the middle', () => {
  expect(generationOf(REFRESH)).toBe(12)
  expect(generationOf(JWT)).toBeNull()
})
