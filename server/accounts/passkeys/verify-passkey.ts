import { Problem } from '../../base/problem.ts'
import type { AuthenticationCredential, RegistrationCredential } from '../../contract/webauthn.ts'
import type { PasskeyRecord } from '../../store/factor-types.ts'
import { ALGORITHMS, isTransport } from './passkey-options.ts'
import type { RelyingParty } from './relying-party.ts'

/** A passkey that an authenticator has just made. */
export type MadePasskey = Pick<
  PasskeyRecord,
  'credentialId' | 'publicKey' | 'counter' | 'transports' | 'deviceType' | 'backedUp' | 'aaguid'
>

/** What an authenticator has just signed. */
export interface PasskeyUse {
  /** Whether it verified the user, by a PIN, a finger or a face (WebAuthn L3 §6.1, UV). */
  userVerified: boolean
  counter: number
  /** Whether the counter did not grow although there is one: the passkey may have been copied (§6.1.1). */
  counterWentBack: boolean
  backedUp: boolean
}

const load = () => import('./webauthn-library.ts')

/** What a credential cannot be trusted for. The cause is for the log. */
const untrusted = (cause: unknown) => new Problem('passkey_refused', {}, cause)

/** Whatever the library or a decoder throws at what strangers send means the same. */
async function trusted<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof Problem ? error : untrusted(error)
  }
}

interface ClientData {
  challenge: string
  crossOrigin: boolean
}

/**
 * Reads what the browser, not the authenticator, put together. Nothing in it is verified here.
 * @throws Problem `passkey_refused`
 */
export async function clientDataOf({
  response,
}: AuthenticationCredential | RegistrationCredential): Promise<ClientData> {
  const { decodeClientDataJSON } = await load()
  return trusted(async () => {
    const { challenge, crossOrigin } = decodeClientDataJSON(response.clientDataJSON)
    if (typeof challenge !== 'string') throw new Error('the client data has no challenge')
    return { challenge, crossOrigin: crossOrigin === true }
  })
}

/**
 * Verifies a new passkey: type, challenge, origin, RP ID, user presence and verification, algorithm, backup flags.
 * @param automatic whether the browser made it without asking: then nobody needs to have been present
 * @throws Problem `passkey_refused`, `user_verification_required`
 * @see WebAuthn L3 §7.1
 */
export async function verifyNewPasskey(
  credential: RegistrationCredential,
  { challenge, automatic, rp }: { challenge: string; automatic: boolean; rp: RelyingParty },
): Promise<MadePasskey> {
  await refuseFrames(credential)
  return trusted(async () => {
    const { decodeAttestationObject, verifyRegistrationResponse } = await load()
    const attestation = decodeAttestationObject(Buffer.from(credential.response.attestationObject, 'base64url'))
    // Browsers remove what we do not ask for, except a signature by the passkey itself. Certificates stay unread: the
    // sender chooses them, and what they refer to.
    const format = attestation.get('fmt')
    if (format !== 'none' && !(format === 'packed' && attestation.get('attStmt').get('x5c') === undefined))
      throw new Error('an attestation was sent, though none was asked for')
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...credential, response: { ...credential.response, transports: [] }, clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: rp.origin,
      expectedRPID: rp.id,
      requireUserPresence: !automatic,
      requireUserVerification: false,
      supportedAlgorithmIDs: [...ALGORITHMS],
    })
    if (!verified) throw new Error('its attestation is not valid')
    const { credential: made, credentialDeviceType, credentialBackedUp, userVerified, aaguid } = registrationInfo
    if (made.id !== credential.id) throw new Error('the id is not the one in the authenticator data')
    if (!automatic && !userVerified) throw new Problem('user_verification_required')
    const publicKey = Buffer.from(made.publicKey)
    await checkKey(publicKey)
    return {
      credentialId: made.id,
      publicKey,
      counter: made.counter,
      transports: [...new Set(credential.response.transports.filter(isTransport))],
      deviceType: credentialDeviceType,
      backedUp: credentialBackedUp,
      aaguid,
    }
  })
}

/**
 * Verifies the use of a passkey: type, challenge, origin, RP ID, user presence, backup flags, signature. Whether the user
 * had to be verified, and what a counter means that went back, is for the caller to decide.
 * @throws Problem `passkey_refused`
 * @see WebAuthn L3 §7.2
 */
export async function verifyPasskeyUse(
  credential: AuthenticationCredential,
  {
    challenge,
    passkey,
    rp,
  }: {
    challenge: string
    passkey: Pick<PasskeyRecord, 'credentialId' | 'publicKey' | 'counter' | 'deviceType'>
    rp: RelyingParty
  },
): Promise<PasskeyUse> {
  await refuseFrames(credential)
  return trusted(async () => {
    const { verifyAuthenticationResponse } = await load()
    const { userHandle, ...signed } = credential.response
    const { verified, authenticationInfo: info } = await verifyAuthenticationResponse({
      response: {
        ...credential,
        response: { ...signed, ...(userHandle === null ? {} : { userHandle }) },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge,
      expectedOrigin: rp.origin,
      expectedRPID: rp.id,
      // The counter is compared below: the library would refuse the passkey without saying why.
      credential: { id: passkey.credentialId, publicKey: new Uint8Array(passkey.publicKey), counter: 0 },
      requireUserVerification: false,
    })
    if (!verified) throw new Error('the signature does not match')
    if (info.credentialDeviceType !== passkey.deviceType)
      throw new Error('whether it can be synced has changed, which no authenticator may do')
    return {
      userVerified: info.userVerified,
      counter: info.newCounter,
      counterWentBack: wentBack(passkey.counter, info.newCounter),
      backedUp: info.credentialBackedUp,
    }
  })
}

/** Authenticators without a counter always send 0 (WebAuthn L3 §6.1.1). */
function wentBack(kept: number, sent: number): boolean {
  return (kept !== 0 || sent !== 0) && sent <= kept
}

/** No page of another site may show ours in a frame, so nothing from inside of one is meant. */
async function refuseFrames(credential: AuthenticationCredential | RegistrationCredential): Promise<void> {
  if ((await clientDataOf(credential)).crossOrigin)
    throw untrusted(new Error('it was made inside a frame of another site'))
}

/** Labels and values of a COSE key (RFC 9053 §7, RFC 8230 §4). */
const COSE = { kty: 1, alg: 3, crv: -1, n: -1 }
const KEY_OF: ReadonlyMap<number, { kty: number; crv: number | null }> = new Map([
  [-7, { kty: 2, crv: 1 }],
  [-8, { kty: 1, crv: 6 }],
  [-257, { kty: 3, crv: null }],
])
/** A longer one only costs time to verify. */
const MAX_RSA_BYTES = 512
const MIN_RSA_BYTES = 256

/** The library takes any key that its algorithm's name is written on. @throws Error */
async function checkKey(publicKey: Uint8Array): Promise<void> {
  const { decodeCredentialPublicKey } = await load()
  const key = decodeCredentialPublicKey(new Uint8Array(publicKey)) as unknown as Map<number, unknown>
  const expected = KEY_OF.get(Number(key.get(COSE.alg)))
  if (expected === undefined || key.get(COSE.kty) !== expected.kty) throw new Error('the key is not for its algorithm')
  if (expected.crv !== null) {
    if (key.get(COSE.crv) !== expected.crv) throw new Error('the key is on another curve')
    return
  }
  const modulus = key.get(COSE.n)
  if (!(modulus instanceof Uint8Array) || modulus.length < MIN_RSA_BYTES || modulus.length > MAX_RSA_BYTES)
    throw new Error('the RSA key is too short or too long')
}
