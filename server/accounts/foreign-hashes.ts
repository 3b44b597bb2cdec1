import { parseOptions as parseArgon2 } from '@node-rs/argon2'

// Password hashes of other systems: what they look like, and how much work they may ask for. foreign-verifiers.ts
// compares a password with one.

/** What is done to a password before bcrypt, which only reads 72 bytes of it. */
export type Prehash = 'none' | 'django_sha256' | 'passlib_sha256' | 'passlib_hmac'
export const DIGESTS = ['sha1', 'sha256', 'sha512'] as const
export type Digest = (typeof DIGESTS)[number]

export type ForeignHash =
  | { kind: 'bcrypt'; cost: number; prehash: Prehash; salt: string; encoded: string }
  | { kind: 'argon2'; memoryKib: number; passes: number; lanes: number; encoded: string }
  | { kind: 'pbkdf2'; digest: Digest; iterations: number; salt: Buffer; key: Buffer }
  | { kind: 'scrypt'; cost: number; blockSize: number; lanes: number; salt: Buffer; key: Buffer }

/** Longer than any of the forms below with salts of a usual length. */
export const MAX_HASH_LENGTH = 1000

/**
 * A sign-in must not take the server more than about a second and 128 MiB, whatever a file asks for: several times what
 * the defaults of Django, Laravel and OWASP's recommendations need.
 */
const MOST = {
  bcryptCost: 14,
  argon2Kib: 128 * 1024,
  argon2Passes: 64,
  /** Kibibytes times passes. */
  argon2Work: 1024 * 1024,
  argon2Lanes: 16,
  /** Iterations times blocks of the digest. */
  pbkdf2Work: 4_000_000,
  scryptBytes: 128 * 1024 * 1024,
  /** N times r times p. */
  scryptWork: 2 ** 22,
  scryptLanes: 64,
}
const DIGEST_BYTES: Record<Digest, number> = { sha1: 20, sha256: 32, sha512: 64 }
/** A shorter key would also fit other passwords. */
const KEY_BYTES = { least: 16, most: 128 }
const SALT_BYTES_MAX = 256

const LEAST_BCRYPT_COST = 4
const BCRYPT_LETTERS = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

const UNKNOWN = 'not a hash of a known kind'
const DAMAGED = 'the hash is damaged'

type Numbers = Record<string, string | undefined>
type Parsed = ForeignHash | string
/** The form of a hash, and how its parts are read. */
type Form = readonly [pattern: RegExp, read: (parts: Numbers) => Parsed]

const BCRYPT = String.raw`\$(?<ident>2[aby])\$(?<cost>\d\d)\$(?<salt>[./A-Za-z0-9]{22})(?<digest>[./A-Za-z0-9]{31})`
const BASE64 = String.raw`[A-Za-z0-9+/.]+={0,2}`

const FORMS: readonly Form[] = [
  // crypt(3): PHP and Laravel, node, Rails, passlib, Spring.
  [new RegExp(`^${BCRYPT}$`), parts => bcrypt('none', parts)],
  [new RegExp(`^bcrypt\\$${BCRYPT}$`), parts => bcrypt('none', parts)],
  [new RegExp(`^bcrypt_sha256\\$${BCRYPT}$`), parts => bcrypt('django_sha256', parts)],
  [
    /^\$bcrypt-sha256\$v=2,t=(?<ident>2b),r=(?<cost>\d{1,2})\$(?<salt>[./A-Za-z0-9]{22})\$(?<digest>[./A-Za-z0-9]{31})$/,
    parts => bcrypt('passlib_hmac', parts),
  ],
  [
    /^\$bcrypt-sha256\$(?<ident>2[ab]),(?<cost>\d{1,2})\$(?<salt>[./A-Za-z0-9]{22})\$(?<digest>[./A-Za-z0-9]{31})$/,
    parts => bcrypt('passlib_sha256', parts),
  ],
  // PHC strings; Django writes its name for the kind before.
  [
    /^(?:argon2)?(?<encoded>\$argon2(?:id|i|d)\$v=19\$m=(?<memory>\d+),t=(?<passes>\d+),p=(?<lanes>\d+)\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+)$/,
    argon2,
  ],
  // passlib writes the rounds alone and `.` for `+`; others follow the PHC string format.
  [
    new RegExp(
      String.raw`^\$pbkdf2(?:-(?<digest>sha1|sha256|sha512))?\$(?:i=)?(?<iterations>\d+)(?:,l=\d+)?\$(?<salt>${BASE64})\$(?<key>${BASE64})$`,
    ),
    parts => pbkdf2(parts, fromBase64(parts['salt']), fromBase64(parts['key'])),
  ],
  [
    new RegExp(
      String.raw`^\$scrypt\$(?:ln=(?<log>\d+)|n=(?<cost>\d+)),r=(?<block>\d+),p=(?<lanes>\d+)\$(?<salt>${BASE64})\$(?<key>${BASE64})$`,
    ),
    parts => scrypt(parts, fromBase64(parts['salt']), fromBase64(parts['key'])),
  ],
  // Django: the salt is text.
  [
    /^pbkdf2_(?<digest>sha1|sha256)\$(?<iterations>\d+)\$(?<salt>[^$\s]+)\$(?<key>[A-Za-z0-9+/]+={0,2})$/,
    parts => pbkdf2(parts, fromText(parts['salt']), fromBase64(parts['key'])),
  ],
  [
    /^scrypt\$(?<cost>\d+)\$(?<salt>[^$\s]+)\$(?<block>\d+)\$(?<lanes>\d+)\$(?<key>[A-Za-z0-9+/]+={0,2})$/,
    parts => scrypt(parts, fromText(parts['salt']), fromBase64(parts['key'])),
  ],
  // Werkzeug, which Flask uses: the salt is text, the key hexadecimal.
  [
    /^pbkdf2:(?<digest>sha1|sha256|sha512):(?<iterations>\d+)\$(?<salt>[^$\s]+)\$(?<key>(?:[0-9a-f]{2})+)$/,
    parts => pbkdf2(parts, fromText(parts['salt']), Buffer.from(parts['key'] ?? '', 'hex')),
  ],
  [
    /^scrypt:(?<cost>\d+):(?<block>\d+):(?<lanes>\d+)\$(?<salt>[^$\s]+)\$(?<key>(?:[0-9a-f]{2})+)$/,
    parts => scrypt(parts, fromText(parts['salt']), Buffer.from(parts['key'] ?? '', 'hex')),
  ],
]

/**
 * Reads a hash by another system.
 * @returns what is wrong with it, in words that repeat nothing of it but its cost
 */
export function parseForeignHash(text: string): ForeignHash | string {
  if (text.length > MAX_HASH_LENGTH) return UNKNOWN
  for (const [pattern, read] of FORMS) {
    const parts = pattern.exec(text)?.groups
    if (parts !== undefined) return read(parts)
  }
  return UNKNOWN
}

/** Roughly how long a comparison takes, in milliseconds: to find the slowest of several. */
export function estimatedMs(hash: ForeignHash): number {
  switch (hash.kind) {
    case 'bcrypt':
      return 0.065 * 2 ** hash.cost
    case 'argon2':
      return 0.00026 * hash.memoryKib * hash.passes
    case 'pbkdf2':
      return 0.0003 * hash.iterations * blocksOf(hash.digest, hash.key)
    case 'scrypt':
      return 0.00035 * hash.cost * hash.blockSize * hash.lanes
  }
}

/** A hash that matches no password and takes as long to compare. */
export function decoyOf(hash: ForeignHash): string {
  const base64 = (length: number) => Buffer.alloc(length).toString('base64').replaceAll('=', '')
  switch (hash.kind) {
    case 'bcrypt':
      return `$2b$${String(hash.cost).padStart(2, '0')}$${'.'.repeat(22 + 31)}`
    case 'argon2':
      return `$argon2id$v=19$m=${hash.memoryKib},t=${hash.passes},p=${hash.lanes}$${base64(16)}$${base64(32)}`
    case 'pbkdf2':
      return `$pbkdf2-${hash.digest}$${hash.iterations}$${base64(16)}$${base64(hash.key.length)}`
    case 'scrypt':
      return `$scrypt$n=${hash.cost},r=${hash.blockSize},p=${hash.lanes}$${base64(16)}$${base64(hash.key.length)}`
  }
}

function bcrypt(prehash: Prehash, { ident = '', cost = '', salt = '', digest = '' }: Numbers): Parsed {
  const tooMuch = beyond('bcrypt', 'cost', Number(cost), MOST.bcryptCost)
  if (tooMuch !== null) return tooMuch
  if (Number(cost) < LEAST_BCRYPT_COST) return DAMAGED
  const encoded = `$${ident}$${cost.padStart(2, '0')}$${withoutSpareBits(salt, 4)}${withoutSpareBits(digest, 2)}`
  return { kind: 'bcrypt', cost: Number(cost), prehash, salt, encoded }
}

/** Some libraries fill the last letter with bits that mean nothing, and ours does not read such a hash. */
function withoutSpareBits(text: string, spare: number): string {
  const last = BCRYPT_LETTERS.indexOf(text.at(-1) ?? '')
  return text.slice(0, -1) + (BCRYPT_LETTERS[last - (last % 2 ** spare)] ?? '')
}

function argon2({ encoded = '', memory, passes, lanes }: Numbers): Parsed {
  const numbers = { memoryKib: Number(memory), passes: Number(passes), lanes: Number(lanes) }
  const tooMuch =
    beyond('argon2', 'm', numbers.memoryKib, MOST.argon2Kib) ??
    beyond('argon2', 't', numbers.passes, MOST.argon2Passes) ??
    beyond('argon2', 'p', numbers.lanes, MOST.argon2Lanes) ??
    beyond('argon2', 'm times t', numbers.memoryKib * numbers.passes, MOST.argon2Work)
  if (tooMuch !== null) return tooMuch
  return isReadable(encoded) ? { kind: 'argon2', ...numbers, encoded } : DAMAGED
}

function pbkdf2({ digest = 'sha1', iterations }: Numbers, salt: Buffer, key: Buffer): Parsed {
  const found = DIGESTS.find(each => each === digest) ?? 'sha1'
  const rounds = Number(iterations)
  const tooMuch = beyond('pbkdf2', 'iterations', rounds * blocksOf(found, key), MOST.pbkdf2Work)
  if (tooMuch !== null) return tooMuch
  return rounds > 0 && areUsable(salt, key) ? { kind: 'pbkdf2', digest: found, iterations: rounds, salt, key } : DAMAGED
}

function scrypt({ log, cost: written, block, lanes: parallel }: Numbers, salt: Buffer, key: Buffer): Parsed {
  const cost = log === undefined ? Number(written) : 2 ** Number(log)
  const [blockSize, lanes] = [Number(block), Number(parallel)]
  const tooMuch =
    beyond('scrypt', 'memory in bytes', 128 * cost * blockSize, MOST.scryptBytes) ??
    beyond('scrypt', 'p', lanes, MOST.scryptLanes) ??
    beyond('scrypt', 'N times r times p', cost * blockSize * lanes, MOST.scryptWork)
  if (tooMuch !== null) return tooMuch
  const isPower = Number.isInteger(Math.log2(cost)) && cost > 1
  return isPower && blockSize > 0 && lanes > 0 && areUsable(salt, key)
    ? { kind: 'scrypt', cost, blockSize, lanes, salt, key }
    : DAMAGED
}

/** @returns what is wrong, or null */
function beyond(kind: string, name: string, value: number, most: number): string | null {
  return value <= most ? null : `${kind} with ${name} ${value}: at most ${most}, or sign-ins would stall the server`
}

function blocksOf(digest: Digest, key: Buffer): number {
  return Math.ceil(key.length / DIGEST_BYTES[digest])
}

function areUsable(salt: Buffer, key: Buffer): boolean {
  return salt.length <= SALT_BYTES_MAX && key.length >= KEY_BYTES.least && key.length <= KEY_BYTES.most
}

/** Whether the library that will compare it can read it. */
function isReadable(encoded: string): boolean {
  try {
    parseArgon2(encoded)
    return true
  } catch {
    return false
  }
}

function fromBase64(text = ''): Buffer {
  return Buffer.from(text.replaceAll('.', '+'), 'base64')
}

function fromText(text = ''): Buffer {
  return Buffer.from(text, 'utf8')
}
