import { MINUTE, SECOND, type UnixMs } from '../../base/clock.ts'
import type { ProblemBody } from '../../contract/problem-codes.ts'
import type { KeptForm } from '../../contract/site-context.ts'
import type { Keyring } from '../../keys/types.ts'
import { cookieName, serializeCookie } from '../../session/cookie-names.ts'

const LIFE_MS = MINUTE
/** Longer values cannot be valid, and a cookie is limited to 4096 bytes in total (CK-4). */
const MAX_VALUE_LENGTH = 254
const MAX_SEALED_LENGTH = 3800

/**
 * Seals what should reappear in a form that failed without JavaScript: for a minute, and never a password.
 * @param keep the names of fields that may be kept
 */
export function keepForm(
  keyring: Keyring,
  failed: { page: string; problem: ProblemBody; fields: ReadonlyMap<string, string> },
  keep: readonly string[],
  now: UnixMs,
): string {
  const { page, problem } = failed
  const fields = Object.fromEntries(
    [...failed.fields].filter(([name, value]) => keep.includes(name) && value.length <= MAX_VALUE_LENGTH),
  )
  const seal = (form: KeptForm) => keyring.seal('form', { form, endsAt: now + LIFE_MS })
  const sealed = seal({ page, problem, fields })
  return sealed.length <= MAX_SEALED_LENGTH ? sealed : seal({ page, problem: { ...problem, fields: {} }, fields: {} })
}

/** The Set-Cookie value for it. */
export function formCookie(sealed: string, secure: boolean): string {
  return serializeCookie(cookieName('form', secure), sealed, { secure, maxAgeSeconds: LIFE_MS / SECOND })
}

/**
 * Opens what `keepForm` sealed. Never throws.
 * @returns null for anything else, or after a minute
 */
export async function openKeptForm(keyring: Keyring, sealed: string, now: UnixMs): Promise<KeptForm | null> {
  const opened = await keyring.open('form', sealed)
  if (opened === null || typeof opened['endsAt'] !== 'number' || opened['endsAt'] <= now) return null
  // Only we can have sealed it, so its shape is the one above.
  return opened['form'] as KeptForm
}
