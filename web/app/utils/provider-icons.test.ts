import { describe, expect, test } from 'vitest'
import { initialOf, providerIcon } from './provider-icons.ts'

describe("a provider's sign", () => {
  test.each(['key-round', 'shield-check', 'fingerprint', 'building', 'google', 'microsoft', 'github'])(
    '%s is drawn',
    name => {
      expect(providerIcon(name)).toMatch(/^M[\d\s.,a-zA-Z-]+$/)
    },
  )

  test.each(['log-in', '', 'constructor', '__proto__'])('%j is not: a letter stands for it', name => {
    expect(providerIcon(name)).toBeNull()
  })

  test.each([
    ['Club', 'C'],
    ['  élan', 'É'],
    ['统一身份认证', '统'],
    ['👩‍👩‍👧 Family', '👩‍👩‍👧'],
    ['', '?'],
  ])('the letter of %j is %s', (name, letter) => {
    expect(initialOf(name)).toBe(letter)
  })
})
