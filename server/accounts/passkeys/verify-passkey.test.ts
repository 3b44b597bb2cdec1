import { describe, expect, test } from 'vitest'
import type { RegistrationCredential } from '../../contract/webauthn.ts'
import { cbor, type Deviations, SoftAuthenticator } from './authenticator.testing.ts'
import { type MadePasskey, verifyNewPasskey, verifyPasskeyUse } from './verify-passkey.ts'

const ORIGIN = 'https://lantern.example'
const RP = { id: 'lantern.example', name: 'Lantern', origin: ORIGIN }
const CHALLENGE = Buffer.from('a challenge of this test').toString('base64url')
const OPTIONS = { challenge: CHALLENGE, user: { id: 'aGFuZGxl' } }
const refusedAs = (code: string) => expect.objectContaining({ name: 'Problem', code }) as unknown

const made = (credential: RegistrationCredential, automatic = false, challenge = CHALLENGE) =>
  verifyNewPasskey(credential, { challenge, automatic, rp: RP })
const register = (authenticator: SoftAuthenticator, deviations: Parameters<SoftAuthenticator['create']>[1] = {}) =>
  made(authenticator.create(OPTIONS, deviations))
const use = (
  authenticator: SoftAuthenticator,
  passkey: MadePasskey,
  deviations: Deviations = {},
  challenge = CHALLENGE,
) => verifyPasskeyUse(authenticator.get(OPTIONS, deviations), { challenge, passkey, rp: RP })

/** What neither a new passkey nor the use of one may have. */
const WRONG: [string, Deviations][] = [
  ['another origin', { origin: 'https://lantern.example.evil.example' }],
  ['the origin with another port', { origin: `${ORIGIN}:8443` }],
  ['the origin over http', { origin: 'http://lantern.example' }],
  ['another type', { type: 'payment.get' }],
  ['the RP ID of another site', { rpId: 'evil.example' }],
  ['the RP ID of a parent domain', { rpId: 'example' }],
  ['a frame of another site', { crossOrigin: true }],
  ['nobody present', { userPresent: false }],
  ['a backup of what cannot be backed up', { backedUp: true }],
]

describe('a new passkey', () => {
  test.each(['ES256', 'EdDSA', 'RS256'] as const)('UX-9 is taken with %s, and its use verified', async alg => {
    const authenticator = new SoftAuthenticator(ORIGIN, {}, alg)
    const passkey = await register(authenticator)
    expect(passkey).toMatchObject({
      credentialId: authenticator.credentialId,
      deviceType: 'singleDevice',
      backedUp: false,
      counter: 0,
      transports: ['internal'],
    })
    expect(await use(authenticator, passkey)).toEqual({
      userVerified: true,
      counter: 1,
      counterWentBack: false,
      backedUp: false,
    })
  })

  test('NI-23 is known to be synced or bound to its device', async () => {
    expect(await register(new SoftAuthenticator(ORIGIN, { syncable: true }))).toMatchObject({
      deviceType: 'multiDevice',
      backedUp: false,
    })
    expect(await register(new SoftAuthenticator(ORIGIN, { syncable: true, backedUp: true }))).toMatchObject({
      deviceType: 'multiDevice',
      backedUp: true,
    })
  })

  test.each(WRONG)('UX-9 is refused with %s', async (_, deviations) => {
    await expect(register(new SoftAuthenticator(ORIGIN), deviations)).rejects.toEqual(refusedAs('passkey_refused'))
  })

  test('UX-9 is refused for another challenge', async () => {
    const credential = new SoftAuthenticator(ORIGIN).create(OPTIONS)
    await expect(made(credential, false, 'YW5vdGhlcg')).rejects.toEqual(refusedAs('passkey_refused'))
  })

  test('UX-9 NI-23 is refused without user verification, unless the browser made it without asking', async () => {
    const silent = { userVerified: false, userPresent: false }
    await expect(register(new SoftAuthenticator(ORIGIN), { userVerified: false })).rejects.toEqual(
      refusedAs('user_verification_required'),
    )
    const automatic = new SoftAuthenticator(ORIGIN).create(OPTIONS, silent)
    expect(await made(automatic, true)).toMatchObject({ deviceType: 'singleDevice' })
    await expect(made(automatic)).rejects.toEqual(refusedAs('passkey_refused'))
  })

  test('UX-9 is refused with an algorithm that was not offered, or a key that is not for its algorithm', async () => {
    await expect(register(new SoftAuthenticator(ORIGIN, {}, 'ES384'))).rejects.toEqual(refusedAs('passkey_refused'))
    const point = Buffer.alloc(32, 7)
    const keys: [number, unknown][][] = [
      [
        [1, 2],
        [3, -7],
        [-1, 2],
        [-2, point],
        [-3, point],
      ],
      [
        [1, 1],
        [3, -7],
        [-1, 6],
        [-2, point],
      ],
      [
        [1, 3],
        [3, -7],
        [-1, Buffer.alloc(256, 255)],
        [-2, Buffer.from([1, 0, 1])],
      ],
      [
        [1, 2],
        [3, -8],
        [-1, 6],
        [-2, point],
      ],
      [
        [1, 2],
        [-1, 1],
        [-2, point],
        [-3, point],
      ],
      [],
    ]
    for (const key of keys)
      await expect(register(new SoftAuthenticator(ORIGIN), { key: new Map(key) })).rejects.toEqual(
        refusedAs('passkey_refused'),
      )
  })

  test.each([1024, 8192])('an RSA key of %i bits is refused', async bits => {
    const key = new Map<number, unknown>([
      [1, 3],
      [3, -257],
      [-1, Buffer.alloc(bits / 8, 255)],
      [-2, Buffer.from([1, 0, 1])],
    ])
    await expect(register(new SoftAuthenticator(ORIGIN), { key })).rejects.toEqual(refusedAs('passkey_refused'))
  })

  test('an attestation with certificates is refused unread, since its sender chooses what they refer to', async () => {
    for (const fmt of ['packed', 'fido-u2f', 'android-key', 'android-safetynet', 'apple', 'tpm', 'unheard-of']) {
      const attestation = { fmt, attStmt: new Map<string, unknown>([['x5c', [Buffer.from('certificate')]]]) }
      await expect(register(new SoftAuthenticator(ORIGIN), { attestation })).rejects.toEqual(
        refusedAs('passkey_refused'),
      )
    }
  })

  test('an id other than the signed one is refused', async () => {
    const credential = new SoftAuthenticator(ORIGIN).create(OPTIONS)
    const other = new SoftAuthenticator(ORIGIN).credentialId
    await expect(made({ ...credential, id: other, rawId: other })).rejects.toEqual(refusedAs('passkey_refused'))
  })

  test('malformed CBOR and client data are refused, and nothing else happens', async () => {
    const credential = new SoftAuthenticator(ORIGIN).create(OPTIONS)
    const deep = Buffer.alloc(6000, 0x81)
    const bytes = [
      Buffer.alloc(0),
      Buffer.from([0xa0]),
      Buffer.from([0xff]),
      Buffer.from([0xbf, 0xff]),
      deep,
      Buffer.from([0x9b, 255, 255, 255, 255, 255, 255, 255, 255]),
      Buffer.from([0x5b, 0, 0, 0, 255, 255, 255, 255, 255]),
      cbor(
        new Map<string, unknown>([
          ['fmt', 'none'],
          ['attStmt', new Map()],
          ['authData', Buffer.alloc(37)],
        ]),
      ),
      cbor(
        new Map<string, unknown>([
          ['fmt', 'none'],
          ['attStmt', new Map()],
          ['authData', 'text'],
        ]),
      ),
      cbor(new Map<string, unknown>([['fmt', 'packed']])),
    ]
    for (const each of bytes)
      await expect(
        made({ ...credential, response: { ...credential.response, attestationObject: each.toString('base64url') } }),
      ).rejects.toEqual(refusedAs('passkey_refused'))
    for (const text of ['', 'null', '[]', '1', '{', '{"challenge":1}', '{"type":"webauthn.create"}', '\ufeff{}'])
      await expect(
        made({
          ...credential,
          response: { ...credential.response, clientDataJSON: Buffer.from(text).toString('base64url') },
        }),
      ).rejects.toEqual(refusedAs('passkey_refused'))
  })
})

describe('the use of a passkey', () => {
  const registered = async (habits: Deviations = {}) => {
    const authenticator = new SoftAuthenticator(ORIGIN, habits)
    return { authenticator, passkey: await register(authenticator) }
  }

  test.each(WRONG)('UX-9 is refused with %s', async (_, deviations) => {
    const { authenticator, passkey } = await registered()
    await expect(use(authenticator, passkey, deviations)).rejects.toEqual(refusedAs('passkey_refused'))
  })

  test('UX-9 is refused for another challenge, with another key, or altered', async () => {
    const { authenticator, passkey } = await registered()
    await expect(use(authenticator, passkey, {}, 'YW5vdGhlcg')).rejects.toEqual(refusedAs('passkey_refused'))
    const { passkey: other } = await registered()
    await expect(use(authenticator, { ...passkey, publicKey: other.publicKey })).rejects.toEqual(
      refusedAs('passkey_refused'),
    )
    const credential = authenticator.get(OPTIONS)
    const altered = Buffer.from(credential.response.authenticatorData, 'base64url')
    altered.writeUInt8(altered.readUInt8(32) | 0x10 | 0x08, 32)
    await expect(
      verifyPasskeyUse(
        { ...credential, response: { ...credential.response, authenticatorData: altered.toString('base64url') } },
        { challenge: CHALLENGE, passkey: { ...passkey, deviceType: 'multiDevice' }, rp: RP },
      ),
    ).rejects.toEqual(refusedAs('passkey_refused'))
  })

  test('UX-9 is refused when it has become synced, or has ceased to be: an authenticator cannot change that', async () => {
    const bound = await registered()
    await expect(use(bound.authenticator, bound.passkey, { syncable: true })).rejects.toEqual(
      refusedAs('passkey_refused'),
    )
    const synced = await registered({ syncable: true })
    await expect(use(synced.authenticator, synced.passkey, { syncable: false })).rejects.toEqual(
      refusedAs('passkey_refused'),
    )
  })

  test('NI-23 reports whether the user was verified, and whether the passkey is backed up now', async () => {
    const { authenticator, passkey } = await registered({ syncable: true })
    expect(await use(authenticator, passkey, { userVerified: false, backedUp: true })).toMatchObject({
      userVerified: false,
      backedUp: true,
    })
  })

  test('reports a counter that does not grow, but not that there is none', async () => {
    const { authenticator, passkey } = await registered()
    const went = async (kept: number, counter: number) =>
      (await use(authenticator, { ...passkey, counter: kept }, { counter })).counterWentBack
    expect(await went(0, 0)).toBe(false)
    expect(await went(0, 1)).toBe(false)
    expect(await went(7, 8)).toBe(false)
    expect(await went(7, 7)).toBe(true)
    expect(await went(7, 6)).toBe(true)
    expect(await went(7, 0)).toBe(true)
  })
})
