import * as v from 'valibot'

// What a browser returns from an authenticator, as `PublicKeyCredential.toJSON` writes it (WebAuthn L3 §5.1). Fields that
// we do not read are dropped.

/** The longest id that an authenticator may make is 1023 bytes (WebAuthn L3 §4, Credential ID). */
const MAX_ID = 1364
/** An authenticator's data with an RSA key of 4096 bits and some extensions takes a quarter of that. */
const MAX_BYTES = 8192

const base64url = (most: number) =>
  v.pipe(v.string(), v.minLength(1), v.maxLength(most), v.regex(/^[\w-]*$/, 'base64url without padding'))

const credential = {
  id: base64url(MAX_ID),
  rawId: base64url(MAX_ID),
  type: v.literal('public-key'),
}

/** From `navigator.credentials.create()`. */
export const RegistrationCredential = v.object({
  ...credential,
  response: v.object({
    clientDataJSON: base64url(MAX_BYTES),
    attestationObject: base64url(MAX_BYTES),
    transports: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(32))), v.maxLength(16)), []),
  }),
})
export type RegistrationCredential = v.InferOutput<typeof RegistrationCredential>

/** From `navigator.credentials.get()`. */
export const AuthenticationCredential = v.object({
  ...credential,
  response: v.object({
    clientDataJSON: base64url(MAX_BYTES),
    authenticatorData: base64url(MAX_BYTES),
    signature: base64url(MAX_BYTES),
    userHandle: v.optional(v.nullable(base64url(88)), null),
  }),
})
export type AuthenticationCredential = v.InferOutput<typeof AuthenticationCredential>
