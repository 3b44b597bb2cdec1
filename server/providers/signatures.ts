/** What a provider's tokens may be signed with: never `none`, and nothing symmetric.
 * @see RFC 7518 §3.1 · RFC 8037 · RFC 9864 */
export const SIGNATURES = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
