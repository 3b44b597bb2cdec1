import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { PasskeyRecord } from '../../store/factor-types.ts'
import { CHALLENGE_LIFE_MS } from './challenges.ts'
import type { RelyingParty } from './relying-party.ts'

/** Signature algorithms, preferred ones first: ES256, Ed25519, and RS256 for older Windows (RFC 9053 §2, RFC 8812). */
export const ALGORITHMS: readonly number[] = [-7, -8, -257]

type Known = Pick<PasskeyRecord, 'credentialId' | 'transports'>

/**
 * What the browser needs to make a passkey: discoverable, so that nobody has to type who they are, and without an
 * attestation, which would tell us the model of the authenticator.
 * @param account.handle the random one by which authenticators know the account
 * @param account.passkeys on whose authenticators no second one is made
 * @param automatic whether the browser may make it without asking: then it need not verify the user either
 * @see WebAuthn L3 §5.4
 */
export function creationOptions(
  rp: RelyingParty,
  account: { handle: string; email: string | null; name: string; passkeys: readonly Known[] },
  { challenge, automatic }: { challenge: string; automatic: boolean },
): PublicKeyCredentialCreationOptionsJSON {
  return {
    rp: { id: rp.id, name: rp.name },
    user: { id: account.handle, name: account.email ?? account.name, displayName: account.name },
    challenge,
    pubKeyCredParams: ALGORITHMS.map(alg => ({ type: 'public-key', alg })),
    timeout: CHALLENGE_LIFE_MS,
    excludeCredentials: account.passkeys.map(toDescriptor),
    authenticatorSelection: {
      residentKey: 'required',
      requireResidentKey: true,
      userVerification: automatic ? 'preferred' : 'required',
    },
    attestation: 'none',
  }
}

/**
 * What the browser needs to use a passkey.
 * @param allowed null: any of this site, and nothing here depends on an account, so that nobody learns who has one
 * (UX-12)
 * @see WebAuthn L3 §5.5
 */
export function requestOptions(
  rp: RelyingParty,
  { challenge, allowed, verify }: { challenge: string; allowed: readonly Known[] | null; verify: boolean },
): PublicKeyCredentialRequestOptionsJSON {
  return {
    rpId: rp.id,
    challenge,
    timeout: CHALLENGE_LIFE_MS,
    allowCredentials: (allowed ?? []).map(toDescriptor),
    userVerification: verify ? 'required' : 'preferred',
  }
}

function toDescriptor({ credentialId, transports }: Known) {
  const known = transports.filter(isTransport)
  return { id: credentialId, type: 'public-key' as const, ...(known.length === 0 ? {} : { transports: known }) }
}

const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const
type Transport = (typeof TRANSPORTS)[number]

/** Only these are kept and sent back (WebAuthn L3 §5.8.4). */
export function isTransport(value: string): value is Transport {
  return (TRANSPORTS as readonly string[]).includes(value)
}
