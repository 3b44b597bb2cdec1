import { createHash, createHmac, pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { verify as verifyArgon2 } from '@node-rs/argon2'
import { verify as verifyBcrypt } from '@node-rs/bcrypt'
import type { ForeignHash } from './foreign-hashes.ts'

const derivePbkdf2 = promisify(pbkdf2)
const deriveScrypt = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
)
/** What scrypt needs besides its large block. */
const SCRYPT_SPARE_BYTES = 16 * 1024 * 1024

/**
 * Compares a password with a hash by another system, off the event loop. Those systems hashed what was typed: it is
 * compared as it is, and only then in the form that our own hashes are made of.
 */
export async function verifyForeign(hash: ForeignHash, password: string): Promise<boolean> {
  if (await matches(hash, password)) return true
  const normal = password.normalize('NFC')
  return normal !== password && matches(hash, normal)
}

async function matches(hash: ForeignHash, password: string): Promise<boolean> {
  switch (hash.kind) {
    case 'bcrypt':
      return verifyBcrypt(forBcrypt(hash, password), hash.encoded)
    case 'argon2':
      return verifyArgon2(hash.encoded, password)
    case 'pbkdf2': {
      const { digest, iterations, salt, key } = hash
      return timingSafeEqual(key, await derivePbkdf2(password, salt, iterations, key.length, digest))
    }
    case 'scrypt': {
      const { cost, blockSize, lanes, salt, key } = hash
      const maxmem = 128 * cost * blockSize + 128 * blockSize * lanes + SCRYPT_SPARE_BYTES
      const derived = await deriveScrypt(password, salt, key.length, { N: cost, r: blockSize, p: lanes, maxmem })
      return timingSafeEqual(key, derived)
    }
  }
}

/** As Django and passlib shorten passwords for bcrypt. */
function forBcrypt({ prehash, salt }: Extract<ForeignHash, { kind: 'bcrypt' }>, password: string): string {
  switch (prehash) {
    case 'none':
      return password
    case 'django_sha256':
      return createHash('sha256').update(password).digest('hex')
    case 'passlib_sha256':
      return createHash('sha256').update(password).digest('base64')
    case 'passlib_hmac':
      return createHmac('sha256', salt).update(password).digest('base64')
  }
}
