import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type { AuthenticationCredential, RegistrationCredential } from '../../contract/webauthn.ts'

type Alg = 'ES256' | 'EdDSA' | 'RS256' | 'ES384'

/** What a test may have an authenticator, or the browser around it, do differently. */
export interface Deviations {
  /** Of the client data. */
  type?: string
  origin?: string
  crossOrigin?: boolean
  /** Whose hash is signed. */
  rpId?: string
  userPresent?: boolean
  userVerified?: boolean
  /** Backup eligibility and backup state (WebAuthn L3 §6.1.3). */
  syncable?: boolean
  backedUp?: boolean
  counter?: number
  /** Added to the signed counter of the next use; 0: this authenticator has none. */
  step?: number
  userHandle?: string | null
}

/** For tests: an authenticator in software, with the browser around it. It does whatever it is told. */
export class SoftAuthenticator {
  readonly #rpId: string
  readonly #origin: string
  readonly #alg: Alg
  readonly #keys: { publicKey: KeyObject; privateKey: KeyObject }
  readonly #habits: Deviations
  #credentialId = randomBytes(32)
  #userHandle: string | null = null
  counter = 0

  constructor(origin: string, habits: Deviations = {}, alg: Alg = 'ES256', rsaBits = 2048) {
    this.#origin = origin
    this.#rpId = new URL(origin).hostname
    this.#alg = alg
    this.#habits = habits
    this.#keys = keysFor(alg, rsaBits)
  }

  get credentialId(): string {
    return this.#credentialId.toString('base64url')
  }

  /** As `navigator.credentials.create()` answers. */
  create(
    options: { challenge: string; user: { id: string } },
    deviations: Deviations & {
      key?: Map<number, unknown>
      attestation?: { fmt: string; attStmt: Map<string, unknown> }
    } = {},
  ): RegistrationCredential {
    const wish = { ...this.#habits, ...deviations }
    this.#userHandle = options.user.id
    const length = Buffer.alloc(2)
    length.writeUInt16BE(this.#credentialId.length)
    const attested = Buffer.concat([
      Buffer.alloc(16),
      length,
      this.#credentialId,
      cbor(wish.key ?? coseKey(this.#keys.publicKey, this.#alg)),
    ])
    const authData = this.#authenticatorData(wish, attested)
    const { fmt, attStmt } = wish.attestation ?? { fmt: 'none', attStmt: new Map() }
    return {
      id: this.credentialId,
      rawId: this.credentialId,
      type: 'public-key',
      response: {
        clientDataJSON: this.#clientData('webauthn.create', options.challenge, wish).toString('base64url'),
        attestationObject: cbor(
          new Map<string, unknown>([
            ['fmt', fmt],
            ['attStmt', attStmt],
            ['authData', authData],
          ]),
        ).toString('base64url'),
        transports: ['internal'],
      },
    }
  }

  /** As `navigator.credentials.get()` answers. */
  get(options: { challenge: string }, deviations: Deviations = {}): AuthenticationCredential {
    const wish = { ...this.#habits, ...deviations }
    this.counter += wish.step ?? 1
    const clientData = this.#clientData('webauthn.get', options.challenge, wish)
    const authenticatorData = this.#authenticatorData({ counter: this.counter, ...wish }, null)
    const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientData).digest()])
    const hash = this.#alg === 'EdDSA' ? null : this.#alg === 'ES384' ? 'sha384' : 'sha256'
    return {
      id: this.credentialId,
      rawId: this.credentialId,
      type: 'public-key',
      response: {
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: authenticatorData.toString('base64url'),
        signature: sign(hash, signed, this.#keys.privateKey).toString('base64url'),
        userHandle: wish.userHandle === undefined ? this.#userHandle : wish.userHandle,
      },
    }
  }

  #clientData(type: string, challenge: string, wish: Deviations): Buffer {
    const { origin = this.#origin, crossOrigin = false } = wish
    return Buffer.from(JSON.stringify({ type: wish.type ?? type, challenge, origin, crossOrigin }))
  }

  #authenticatorData(wish: Deviations, attested: Buffer | null): Buffer {
    const { userPresent = true, userVerified = true, syncable = false, backedUp = false } = wish
    const bits = [userPresent, false, userVerified, syncable, backedUp, false, attested !== null]
    const flags = bits.reduce((sum, bit, place) => sum + (bit ? 1 << place : 0), 0)
    const rest = Buffer.alloc(5)
    rest.writeUInt8(flags)
    rest.writeUInt32BE(wish.counter ?? 0, 1)
    const hash = createHash('sha256')
      .update(wish.rpId ?? this.#rpId)
      .digest()
    return Buffer.concat([hash, rest, attested ?? Buffer.alloc(0)])
  }
}

function keysFor(alg: Alg, rsaBits: number): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519')
  if (alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength: rsaBits })
  return generateKeyPairSync('ec', { namedCurve: alg === 'ES384' ? 'P-384' : 'P-256' })
}

/** RFC 9053 §7, RFC 8230 §4. */
function coseKey(key: KeyObject, alg: Alg): Map<number, unknown> {
  const jwk = key.export({ format: 'jwk' })
  const part = (name: 'x' | 'y' | 'n' | 'e') => Buffer.from(jwk[name] ?? '', 'base64url')
  switch (alg) {
    case 'EdDSA':
      return new Map<number, unknown>([
        [1, 1],
        [3, -8],
        [-1, 6],
        [-2, part('x')],
      ])
    case 'RS256':
      return new Map<number, unknown>([
        [1, 3],
        [3, -257],
        [-1, part('n')],
        [-2, part('e')],
      ])
    case 'ES256':
    case 'ES384':
      return new Map<number, unknown>([
        [1, 2],
        [3, alg === 'ES256' ? -7 : -35],
        [-1, alg === 'ES256' ? 1 : 2],
        [-2, part('x')],
        [-3, part('y')],
      ])
  }
}

/** As much of CBOR (RFC 8949) as authenticators need. */
export function cbor(value: unknown): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)])
  if (value instanceof Map)
    return Buffer.concat([head(5, value.size), ...[...value].flatMap(([name, each]) => [cbor(name), cbor(each)])])
  throw new TypeError(`no CBOR for ${typeof value}`)
}

function head(major: number, value: number): Buffer {
  const type = major << 5
  if (value < 24) return Buffer.from([type | value])
  if (value < 256) return Buffer.from([type | 24, value])
  return Buffer.from([type | 25, value >> 8, value & 255])
}
