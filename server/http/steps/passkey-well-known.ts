import type { Config } from '../../config/types.ts'
import type { Reply } from '../response/reply.ts'

export const RELATED_ORIGINS_PATH = '/.well-known/webauthn'
export const PASSKEY_ENDPOINTS_PATH = '/.well-known/passkey-endpoints'

/** The page with the passkeys of an account. */
const PAGE = '/account/security'

/** null: 404, so that no client expects what is not there. */
export interface PasskeyWellKnown {
  /** Whose pages may use the passkeys of this site (WebAuthn L3 §5.11.1). */
  relatedOrigins: Reply | null
  /** Where password managers send people to add and manage passkeys (W3C, Passkey Endpoints). */
  endpoints: Reply | null
}

/** @param offered whether passkeys work at the public URL and with these accounts */
export function passkeyWellKnown(
  { publicUrl, relatedOrigins }: Pick<Config, 'publicUrl' | 'relatedOrigins'>,
  offered: boolean,
): PasskeyWellKnown {
  const page = publicUrl + PAGE
  return {
    relatedOrigins: offered && relatedOrigins.length > 0 ? json({ origins: relatedOrigins }) : null,
    endpoints: offered ? json({ enroll: page, manage: page }) : null,
  }
}

const json = (body: object): Reply => ({
  status: 200,
  headers: ['Content-Type', 'application/json'],
  body: JSON.stringify(body),
})
