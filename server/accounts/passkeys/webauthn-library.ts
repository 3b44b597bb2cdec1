/**
 * What we use of the library, which is loaded with the first passkey. The package has this file as one bundle: most of
 * the library's own dependencies are for attestation certificates, which we neither request nor accept.
 * @see docs/decisions/037-passkeys.md
 */
export { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server'
export {
  decodeAttestationObject,
  decodeClientDataJSON,
  decodeCredentialPublicKey,
} from '@simplewebauthn/server/helpers'
