/** For whom passkeys are made (WebAuthn L3 §4): this site. */
export interface RelyingParty {
  /** The host of the public URL: passkeys are bound to it for good. */
  id: string
  /** What authenticators show. */
  name: string
  /** The only origin whose pages may use them here. */
  origin: string
}

/**
 * @param publicUrl an origin
 * @returns null where browsers offer no passkeys: over plain http, except on localhost, and at an IP address
 * @see WebAuthn L3 §5.1.3, step 8: the effective domain has to be a valid domain · Secure Contexts §3.1
 */
export function relyingPartyOf(publicUrl: string, name: string): RelyingParty | null {
  const { protocol, hostname } = new URL(publicUrl)
  const isLocalhost = hostname === 'localhost' || hostname.endsWith('.localhost')
  if (protocol !== 'https:' && !isLocalhost) return null
  if (hostname.startsWith('[') || /^[\d.]+$/.test(hostname)) return null
  return { id: hostname, name, origin: publicUrl }
}
