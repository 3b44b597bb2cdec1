import { createCipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { compactDecrypt } from 'jose'
import { NAME } from '../contract/name.ts'
import { newestOf, type RootKey } from './file.ts'
import type { Keyring, MacPurpose, SealPurpose } from './types.ts'

/** A keyring whose roots can be replaced while in use: after a rotation, every holder seals with the new root. */
export interface LiveKeyring extends Keyring {
  use(roots: readonly RootKey[]): void
}

const decoder = new TextDecoder('utf-8', { fatal: true })
/** Longer than any token that we issue; longer input is rejected before any work. */
const MAX_TOKEN_LENGTH = 16_384
/**
 * Values sealed at rest may contain tokens of providers, some of which include long lists of groups and permissions.
 */
const MAX_AT_REST_LENGTH = 256 * 1024
const HEADER_NAMES = new Set(['alg', 'enc', 'typ', 'kid', 'ctx'])
/** RFC 7518 §5.3. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Derives one key per root and purpose with HKDF-SHA-256, so that a value sealed for one purpose cannot be opened for
 * another.
 * @see RFC 5869 · RFC 7518 §4.5 (dir), §5.3 (A256GCM) · RFC 8725 §3.12
 */
export function createKeyring(initial: readonly RootKey[]): LiveKeyring {
  let roots = new Map<string, RootKey>()
  let current = newestOf(initial).id
  const derived = new Map<string, KeyObject>()

  function use(next: readonly RootKey[]): void {
    current = newestOf(next).id
    roots = new Map(next.map(root => [root.id, root]))
    // Drops keys derived from removed roots.
    derived.clear()
  }
  use(initial)

  function keyOf(purpose: `seal:${SealPurpose}` | `mac:${MacPurpose}`, keyId: string): KeyObject | null {
    const name = `${purpose}\0${keyId}`
    const known = derived.get(name)
    if (known !== undefined) return known
    const root = roots.get(keyId)
    if (root === undefined) return null
    const key = createSecretKey(derive(root, purpose))
    derived.set(name, key)
    return key
  }

  return {
    use,
    macKey: (purpose, keyId) => keyOf(`mac:${purpose}`, keyId),
    get currentId() {
      return current
    },

    seal(purpose, payload, context) {
      const key = keyOf(`seal:${purpose}`, current)
      if (key === null) throw new Error('the newest root key is missing')
      const header = {
        alg: 'dir',
        enc: 'A256GCM',
        typ: purpose,
        kid: current,
        ...(context === undefined ? {} : { ctx: context }),
      }
      return compactJwe(key, header, JSON.stringify(payload))
    },

    async open(purpose, token, context) {
      if (token.length > (purpose === 'at-rest' ? MAX_AT_REST_LENGTH : MAX_TOKEN_LENGTH)) return null
      try {
        const { plaintext } = await compactDecrypt(
          token,
          header => {
            const asExpected =
              header.typ === purpose &&
              header['ctx'] === context &&
              Object.keys(header).every(name => HEADER_NAMES.has(name))
            const key = asExpected && typeof header.kid === 'string' ? keyOf(`seal:${purpose}`, header.kid) : null
            if (key === null) throw new Error('not ours')
            return key
          },
          { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
        )
        const payload: unknown = JSON.parse(decoder.decode(plaintext))
        return isRecord(payload) ? payload : null
      } catch {
        return null
      }
    },
  }
}

/**
 * Synchronous, because refreshes wait for it and jose's WebCrypto runs on another thread, which cost a quarter of a
 * refresh. Opening, which handles untrusted input, is left to jose.
 * @see RFC 7516 §5.1, §7.1: the compact form; with `dir` there is no encrypted key
 */
function compactJwe(key: KeyObject, header: object, plaintext: string): string {
  const encodedHeader = Buffer.from(JSON.stringify(header)).toString('base64url')
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(encodedHeader, 'ascii'))
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
  return [encodedHeader, '', ...[nonce, ciphertext, cipher.getAuthTag()].map(part => part.toString('base64url'))].join(
    '.',
  )
}

/** Derives the key of one purpose, which reveals nothing about other keys or the root. */
export function derive(root: RootKey, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', root.secret.reveal(), Buffer.alloc(0), `${NAME}/v1/${purpose}`, 32))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
