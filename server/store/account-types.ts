import type { UnixMs } from '../base/clock.ts'
import type { Language } from '../contract/languages.ts'
import type { Role } from '../contract/wire.ts'

/** An account, and who does something with it: what every part of the store speaks of. */

export interface AccountRecord {
  id: string
  /** null: created by a provider that did not vouch for an address. Always null together with `emailKey`. */
  email: string | null
  /** The address in the form that is compared: NFC, lower case. Unique. */
  emailKey: string | null
  /** When its owner, or a provider that vouches for it, first showed that `email` is theirs; null: nobody has. */
  emailVerifiedAt: UnixMs | null
  /** When a mail server last refused mail to `email` for good; null: it has not, or has taken mail since. */
  mailRefusedAt: UnixMs | null
  name: string
  roles: Role[]
  /** An argon2id string sealed under the `at-rest` purpose with the account's id; null: no password sign-in. */
  passwordSealed: string | null
  passwordChangedAt: UnixMs | null
  createdAt: UnixMs
  disabledAt: UnixMs | null
  /** In which mail is written: of the pages at the latest sign-in; null: unknown. */
  language: Language | null
  /** Since when there is a second factor; null: there is none. */
  secondFactorAt: UnixMs | null
  /** When a factor was last added or removed; null: never. */
  factorsChangedAt: UnixMs | null
}

/** When and from where something was done. `byUserId`: the other account that did it, if any. */
export interface Origin {
  at: UnixMs
  byUserId: string | null
  sessionId: string | null
  userAgent: string | null
  network: string | null
}

/** Who does something, and the public id of their session: null for the command line, whose authority is never lost. */
export interface Maker {
  userId: string | null
  sessionId: string | null
}
