import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decoyOf, estimatedMs, type ForeignHash, MAX_HASH_LENGTH, parseForeignHash } from './foreign-hashes.ts'
import { verifyForeign } from './foreign-verifiers.ts'

/** Made once with the tools themselves, at low cost; docs/guides/moving-people.md says how. */
const VECTORS = JSON.parse(readFileSync(join(import.meta.dirname, 'foreign-hashes.vectors.json'), 'utf8')) as {
  by: string
  password: string
  hash: string
}[]

function parsed(text: string): ForeignHash {
  const hash = parseForeignHash(text)
  if (typeof hash === 'string') throw new Error(hash)
  return hash
}

test.each([...new Set(VECTORS.map(({ by }) => by))])('ASVS 11.4.2 a hash by %s opens with its password', async by => {
  const made = VECTORS.filter(vector => vector.by === by)
  expect(made.length).toBe(3)
  for (const { password, hash } of made) {
    expect(await verifyForeign(parsed(hash), password)).toBe(true)
    for (const wrong of [`${password.slice(0, 10)}`, password.toUpperCase(), ''])
      expect(await verifyForeign(parsed(hash), wrong), wrong).toBe(false)
  }
})

test('a hash of what was typed opens with the same characters in another form, too', async () => {
  const composed = VECTORS.find(({ by, password }) => by.includes('argon2id') && password.startsWith('Gr'))
  if (composed === undefined) throw new Error('no such vector')
  expect(await verifyForeign(parsed(composed.hash), composed.password.normalize('NFD'))).toBe(true)
})

test('bcrypt whose last letters have bits that mean nothing is the same hash', async () => {
  const made = VECTORS.find(({ hash }) => hash.startsWith('$2y$'))
  if (made === undefined) throw new Error('no such vector')
  const LETTERS = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  const next = (text: string, at: number) =>
    text.slice(0, at) + (LETTERS[LETTERS.indexOf(text[at] ?? '') + 1] ?? '') + text.slice(at + 1)
  for (const text of [next(made.hash, 28), next(made.hash, 59)]) {
    expect(text).not.toBe(made.hash)
    expect(await verifyForeign(parsed(text), made.password)).toBe(true)
    expect(await verifyForeign(parsed(text), `${made.password}!`)).toBe(false)
  }
})

describe('refused, with words that repeat nothing of it:', () => {
  const SALT = 'c2FsdHNhbHRzYWx0c2FsdA'
  const KEY = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE'
  test.each([
    ['bcrypt of a cost that takes hours', `$2b$31$${'a'.repeat(53)}`, /cost 31: at most 14/],
    ['bcrypt below its least cost', `$2b$03$${'.'.repeat(53)}`, /damaged/],
    ['bcrypt with the bug of crypt_blowfish', `$2x$10$${'a'.repeat(53)}`, /known kind/],
    ['bcrypt that was cut off', `$2b$10$${'a'.repeat(52)}`, /known kind/],
    ['argon2 with many passes', `$argon2id$v=19$m=65536,t=1000000000,p=1$${SALT}$${KEY}`, /t 1000000000: at most/],
    ['argon2 with much memory', `$argon2id$v=19$m=4194304,t=1,p=1$${SALT}$${KEY}`, /m 4194304: at most/],
    ['argon2 with both', `$argon2id$v=19$m=131072,t=60,p=1$${SALT}$${KEY}`, /m times t/],
    ['argon2 with many lanes', `$argon2id$v=19$m=65536,t=1,p=1000$${SALT}$${KEY}`, /p 1000/],
    ['argon2 with less memory than lanes need', `$argon2id$v=19$m=8,t=1,p=16$${SALT}$${KEY}`, /damaged/],
    ['argon2 without passes', `$argon2id$v=19$m=65536,t=0,p=1$${SALT}$${KEY}`, /damaged/],
    ['argon2 with a number beyond any', `$argon2id$v=19$m=1,t=${'9'.repeat(400)},p=1$${SALT}$${KEY}`, /t Infinity/],
    ['pbkdf2 with many iterations', `$pbkdf2-sha256$1000000000$${SALT}$${KEY}`, /iterations 1000000000: at most/],
    ['pbkdf2 with many blocks', `$pbkdf2-sha1$3000000$${SALT}$${KEY}`, /iterations 6000000/],
    ['pbkdf2 without iterations', `$pbkdf2-sha256$0$${SALT}$${KEY}`, /damaged/],
    ['pbkdf2 with a key that many passwords fit', `$pbkdf2-sha256$1000$${SALT}$AAAA`, /damaged/],
    ['pbkdf2 with a key without end', `$pbkdf2-sha256$1$${SALT}$${'A'.repeat(800)}`, /damaged/],
    ['scrypt with much memory', `$scrypt$ln=20,r=8,p=1$${SALT}$${KEY}`, /memory in bytes 1073741824: at most/],
    ['scrypt with many lanes', `$scrypt$ln=14,r=8,p=65$${SALT}$${KEY}`, /p 65/],
    ['scrypt with much work', `$scrypt$ln=17,r=8,p=5$${SALT}$${KEY}`, /N times r times p/],
    ['scrypt that is no power of two', `$scrypt$n=1000,r=8,p=1$${SALT}$${KEY}`, /damaged/],
    ['scrypt with nothing', `$scrypt$n=0,r=0,p=0$${SALT}$${KEY}`, /damaged/],
    ["Django's scrypt with much memory", `scrypt$1048576$salt$8$1$${KEY}=`, /memory in bytes/],
    ["Django's pbkdf2 with many iterations", `pbkdf2_sha256$99999999999$salt$${KEY}=`, /iterations 99999999999/],
    ['MD5', '5f4dcc3b5aa765d61d8327deb882cf99', /known kind/],
    ["Django's MD5", 'md5$salt$5f4dcc3b5aa765d61d8327deb882cf99', /known kind/],
    ['a password', 'my secret password', /known kind/],
    ['a line break', `$2b$10$${'a'.repeat(53)}\n`, /known kind/],
    ['nothing', '', /known kind/],
    ['what is too long to be one', `pbkdf2_sha256$1000$${'a'.repeat(MAX_HASH_LENGTH)}$${KEY}=`, /known kind/],
  ])('%s', (_what, text, why) => {
    const told = parseForeignHash(text)
    expect(told).toMatch(why)
    for (const part of [SALT, KEY, 'aaaa', '5f4d', 'secret']) expect(told).not.toContain(part)
  })

  test('none of the patterns takes long, whatever the text', () => {
    for (const piece of ['$', 'A', '1', '$a', 'a$', '=', 'pbkdf2_sha256$', '$pbkdf2$1$A$'])
      expect(typeof parseForeignHash(piece.repeat(Math.floor(MAX_HASH_LENGTH / piece.length)))).toBe('string')
  })
})

test.each([
  ['bcrypt', `$2y$12$${'.'.repeat(53)}`],
  ['argon2', '$argon2i$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE'],
  ['pbkdf2', 'pbkdf2_sha256$1000000$salt$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='],
  ['scrypt', 'scrypt$16384$salt$8$5$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='],
])('a decoy of %s costs the same, and is nobody’s', (_kind, text) => {
  const hash = parsed(text)
  const decoy = parsed(decoyOf(hash))
  expect(decoy.kind).toBe(hash.kind)
  expect(estimatedMs(decoy)).toBe(estimatedMs(hash))
  expect(estimatedMs(hash)).toBeGreaterThan(10)
  expect(decoyOf(hash)).not.toContain('salt')
})
