import * as v from 'valibot'
import { ACR_VALUES } from './acr.ts'
import { Email as email, MAX_EMAIL_LENGTH } from './email.ts'
import { EndReason } from './end-reasons.ts'
import { PROBLEM_CODES } from './problem-codes.ts'
import { AuthenticationCredential, RegistrationCredential } from './webauthn.ts'

const unixMs = v.pipe(v.number(), v.integer(), v.description('Unix milliseconds'))

const ROLES = ['admin', 'user'] as const
export const Role = v.picklist(ROLES)
export type Role = v.InferOutput<typeof Role>

export const REGISTRATION = ['closed', 'invite', 'open'] as const
export const Registration = v.picklist(REGISTRATION)
export type Registration = v.InferOutput<typeof Registration>

// ---- requests. Strict: unknown fields are errors, so that misspelt ones are noticed.

export const MAX_NAME_LENGTH = 100
/** Code points; bounds the work, well above the 64 that NIST SP 800-63B-4 requires to be accepted. */
export const MAX_PASSWORD_LENGTH = 1024
const MAX_CODE_LENGTH = 200

const name = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1),
  v.maxLength(MAX_NAME_LENGTH),
  // eslint-disable-next-line no-control-regex -- control characters are what is refused, and halves of characters
  v.regex(/^[^\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069\ud800-\udfff]*$/u),
)
/** As typed: not trimmed, truncated or case-folded (ASVS 6.2.8). Rules beyond this bound are in accounts/. */
const password = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_PASSWORD_LENGTH * 4))
const code = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(MAX_CODE_LENGTH))

export const SetupRequest = v.strictObject({ code, email, name, password })
export const RegisterRequest = v.strictObject({ email, name, password, invite: v.optional(code) })
/** As typed: with spaces, dashes or full-width digits. What it must be is checked where it is compared. */
const factorCode = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_CODE_LENGTH))

export const LoginRequest = v.strictObject({
  // The form is not checked: an invalid address is answered like an unknown one.
  email: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(MAX_EMAIL_LENGTH)),
  password,
  remember: v.optional(v.boolean()),
})
/** The second step of a sign-in: `rememberDevice` has an effect where `rememberSecondFactorDays` is set. */
export const CodeLoginRequest = v.strictObject({ code: factorCode, rememberDevice: v.optional(v.boolean()) })
/** `POST /auth/login/passkey/options`, whose body may be absent. */
export const PasskeyChallengeRequest = v.strictObject({
  secondFactor: v.pipe(
    v.optional(v.boolean(), true),
    v.description('false: a sign-in from the start, even if this browser is in the middle of one'),
  ),
})
/** With or without a password before. `remember` counts only without, as the first step has said it otherwise. */
export const PasskeyLoginRequest = v.strictObject({
  credential: AuthenticationCredential,
  remember: v.optional(v.boolean()),
  rememberDevice: v.optional(v.boolean()),
})
/**
 * The password, with a code if the person has a second factor: one of an authenticator app, or a recovery code. Or a
 * passkey alone, whose options are from `POST /auth/reauthenticate/options`.
 */
export const ReauthenticateRequest = v.strictObject({
  password: v.optional(password),
  code: v.optional(factorCode),
  credential: v.optional(AuthenticationCredential),
})
export const ConfirmTotpRequest = v.strictObject({ code: factorCode })
export const PasskeyOptionsRequest = v.strictObject({
  automatic: v.pipe(
    v.optional(v.boolean(), false),
    v.description(
      'Whether the browser makes it without asking, after a sign-in with a password (conditional creation)',
    ),
  ),
})
export const AddPasskeyRequest = v.strictObject({
  credential: RegistrationCredential,
  name: v.pipe(v.optional(name), v.description('Absent: that of its password manager or device')),
})
export const RenamePasskeyRequest = v.strictObject({ name })
export const ChangePasswordRequest = v.strictObject({ current: password, next: password })
export const ChangeUserRequest = v.strictObject({ name })
export const ResetRequest = v.strictObject({ code, password })
export const ForgotPasswordRequest = v.strictObject({ email })
/** What is typed so far, and by whom: `code` is that of a link that sets a password. */
export const PasswordStrengthRequest = v.strictObject({
  password,
  name: v.optional(v.pipe(v.string(), v.maxLength(MAX_NAME_LENGTH))),
  email: v.optional(v.pipe(v.string(), v.maxLength(MAX_EMAIL_LENGTH))),
  code: v.optional(code),
})
export const ChangeEmailRequest = v.strictObject({ email })
export const VerifyEmailRequest = v.strictObject({ code })
/** A password is required if the account has one. */
export const RestoreEmailRequest = v.strictObject({ code, password: v.optional(password) })
export const InviteRequest = v.strictObject({
  email: v.optional(email),
  /** Whether to mail the link to that address. */
  send: v.optional(v.boolean()),
  roles: v.optional(v.pipe(v.array(Role), v.minLength(1), v.maxLength(ROLES.length))),
})
export const ChangePersonRequest = v.strictObject({
  roles: v.optional(v.pipe(v.array(Role), v.minLength(1), v.maxLength(ROLES.length))),
  disabled: v.optional(v.boolean()),
})

/** `POST /auth/test/sign-in`, for tests of an app. The name follows the address unless given. */
export const TestSignInRequest = v.strictObject({
  email,
  name: v.optional(name),
  roles: v.optional(v.pipe(v.array(Role), v.minLength(1), v.maxLength(ROLES.length))),
  /** RFC 8176 */
  amr: v.optional(v.pipe(v.array(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,40}$/))), v.minLength(1), v.maxLength(10))),
})

export type SetupRequest = v.InferOutput<typeof SetupRequest>
export type RegisterRequest = v.InferOutput<typeof RegisterRequest>
export type LoginRequest = v.InferOutput<typeof LoginRequest>
export type CodeLoginRequest = v.InferOutput<typeof CodeLoginRequest>
export type PasskeyLoginRequest = v.InferOutput<typeof PasskeyLoginRequest>
export type ConfirmTotpRequest = v.InferOutput<typeof ConfirmTotpRequest>
export type AddPasskeyRequest = v.InferOutput<typeof AddPasskeyRequest>
export type RenamePasskeyRequest = v.InferOutput<typeof RenamePasskeyRequest>
export type ReauthenticateRequest = v.InferOutput<typeof ReauthenticateRequest>
export type ChangePasswordRequest = v.InferOutput<typeof ChangePasswordRequest>
export type ChangeUserRequest = v.InferOutput<typeof ChangeUserRequest>
export type ResetRequest = v.InferOutput<typeof ResetRequest>
export type PasswordStrengthRequest = v.InferOutput<typeof PasswordStrengthRequest>
export type RestoreEmailRequest = v.InferOutput<typeof RestoreEmailRequest>
export type ForgotPasswordRequest = v.InferOutput<typeof ForgotPasswordRequest>
export type InviteRequest = v.InferOutput<typeof InviteRequest>
export type ChangePersonRequest = v.InferOutput<typeof ChangePersonRequest>
export type TestSignInRequest = v.InferOutput<typeof TestSignInRequest>

// ---- responses

const cursor = v.pipe(v.nullable(v.string()), v.description('The cursor of the next page; null on the last.'))
const network = v.pipe(v.string(), v.description('The address as the server saw it'))

export const WireUser = v.object({
  id: v.string(),
  email: v.pipe(
    v.nullable(v.string()),
    v.description('null: the account was created by a provider that did not vouch for an address.'),
  ),
  emailVerified: v.pipe(
    v.boolean(),
    v.description('Whether its owner, or a provider that vouches for it, has shown that the address is theirs.'),
  ),
  name: v.string(),
  roles: v.array(Role),
})

export const WireSession = v.object({
  id: v.pipe(v.string(), v.description('Identifies the session in lists and logs; it opens nothing.')),
  createdAt: unixMs,
  authTime: v.pipe(
    unixMs,
    v.description('When the person last signed in or confirmed who they are, unix milliseconds'),
  ),
  accessEndsAt: v.pipe(
    v.nullable(unixMs),
    v.description(
      'null: authenticated by the refresh token alone, and no new cookies were sent (a late request, an upgrade).',
    ),
  ),
  idleEndsAt: unixMs,
  absoluteEndsAt: unixMs,
  amr: v.pipe(v.array(v.string()), v.description('How the person signed in (RFC 8176)')),
  acr: v.pipe(v.picklist(ACR_VALUES), v.description('How well that proves who it is: `aal2` by two factors or more')),
  remember: v.boolean(),
})

/** `GET /auth/session`, and the response to every kind of sign-in. */
export const SessionAnswer = v.object({
  user: v.nullable(WireUser),
  session: v.nullable(WireSession),
  ended: v.exactOptional(EndReason),
})

/** What can complete a sign-in. */
export const FACTOR_METHODS = ['passkey', 'totp', 'recovery'] as const
export type FactorMethod = (typeof FACTOR_METHODS)[number]
const factorMethods = v.pipe(
  v.array(v.picklist(FACTOR_METHODS)),
  v.description(
    "What can complete the sign-in: each is a call of that name below `/auth/login`. The person's strongest comes first.",
  ),
)
/** The password was right, and one more step opens the session. */
export const SecondFactorAnswer = v.object({ next: v.literal('second_factor'), methods: factorMethods })
export const LoginAnswer = v.union([SessionAnswer, SecondFactorAnswer])

/** `GET /auth/second-factor`: the sign-in that this browser is in the middle of. */
export const PendingAnswer = v.object({
  pending: v.nullable(
    v.object({
      methods: factorMethods,
      endsAt: unixMs,
      rememberDays: v.pipe(
        v.number(),
        v.description('For how many days this device can be remembered; 0: the setting is off.'),
      ),
    }),
  ),
})

/** The WebAuthn options as `PublicKeyCredential.parse…FromJSON()` takes them. */
export const PasskeyOptionsAnswer = v.looseObject({ challenge: v.string() })

export const WirePasskey = v.object({
  id: v.string(),
  name: v.string(),
  synced: v.pipe(v.boolean(), v.description('Whether it is on all devices of its owner, or stays on one.')),
  createdAt: unixMs,
  lastUsedAt: v.nullable(unixMs),
})
/** What authenticators should know of the account, by the Signal API (WebAuthn L3 §5.1.10). */
export const PasskeySignals = v.object({
  rpId: v.string(),
  userId: v.pipe(v.nullable(v.string()), v.description('null: the account never had a passkey')),
  name: v.string(),
  displayName: v.string(),
  allAcceptedCredentialIds: v.array(v.string()),
})
export const FactorsAnswer = v.object({
  passkeys: v.array(WirePasskey),
  totp: v.object({ enabled: v.boolean(), createdAt: v.nullable(unixMs) }),
  recoveryCodes: v.object({
    left: v.pipe(v.number(), v.integer()),
    low: v.pipe(
      v.boolean(),
      v.description('There is a second factor, and so few are left that new ones should be made.'),
    ),
  }),
  required: v.pipe(v.boolean(), v.description('Whether this site requires a second factor of this person.')),
})
/** A factor was added. */
export const EnrolledAnswer = v.object({
  factors: FactorsAnswer,
  codes: v.pipe(
    v.nullable(v.array(v.string())),
    v.description('Recovery codes, shown once: they come with the first factor. null: there were some before.'),
  ),
})
/** A new secret, shown once: until it is confirmed with a code, it changes nothing. */
export const TotpSetupAnswer = v.object({
  uri: v.pipe(v.string(), v.description('`otpauth://totp/…`')),
  secret: v.pipe(v.string(), v.description('Base32, for typing')),
  qr: v.pipe(v.string(), v.description('The QR code of `uri`, as SVG')),
})
/** Shown once: only hashes are kept. */
export const RecoveryCodesAnswer = v.object({ codes: v.array(v.string()) })

/** Where people register and reset a password at an API that manages them: URLs or paths of this site. null: nowhere */
export const PasswordLinks = v.object({ register: v.nullable(v.string()), reset: v.nullable(v.string()) })

export const MethodsAnswer = v.object({
  setupNeeded: v.boolean(),
  registration: Registration,
  password: v.object({
    enabled: v.boolean(),
    minLength: v.pipe(v.number(), v.integer()),
    by: v.pipe(v.nullable(v.string()), v.description('The API that manages names and passwords, if we do not.')),
    links: PasswordLinks,
  }),
  mail: v.pipe(
    v.boolean(),
    v.description('Whether this site sends mail: links to people who forgot their password, and invitations'),
  ),
  providers: v.array(
    v.object({
      id: v.string(),
      name: v.string(),
      icon: v.string(),
      href: v.string(),
      available: v.pipe(v.boolean(), v.description('false while the provider cannot be reached')),
    }),
  ),
  others: v.pipe(
    v.exactOptional(v.array(v.object({ id: v.string(), href: v.string() }))),
    v.description(
      'Methods that a script of the page runs: it posts to `href` and answers the challenge. Absent: there are none.',
    ),
  ),
})

/** `POST /auth/login/:method` and `POST /auth/reauthenticate/:method`: the other fields belong to the method. */
export const MethodLoginRequest = v.looseObject({
  remember: v.optional(v.boolean()),
  returnTo: v.optional(v.string()),
})
export const MethodReauthenticateRequest = v.omit(MethodLoginRequest, ['remember'])
/** To be answered by another request to the same URL. */
export const ChallengeAnswer = v.object({ next: v.literal('challenge'), challenge: v.looseObject({}) })
export interface ChallengeAnswer {
  next: 'challenge'
  challenge: object
}

/** What a script sends to start a sign-in at a provider: an invitation, which must not appear in a URL. */
export const ProviderLoginRequest = v.strictObject({ invite: v.optional(code) })
/** Where the browser goes next: a URL of the provider. */
export const ProviderLoginAnswer = v.object({ href: v.string() })

export const WireLink = v.object({
  id: v.string(),
  provider: v.string(),
  name: v.string(),
  icon: v.string(),
  label: v.string(),
  email: v.nullable(v.string()),
  createdAt: unixMs,
  lastUsedAt: unixMs,
})
/** External identities that can sign this account in. */
export const LinksAnswer = v.object({
  links: v.array(WireLink),
  password: v.pipe(v.boolean(), v.description('Whether a password can sign the account in, too.')),
})

/** The response to a sign-out. */
export const SignOutAnswer = v.object({
  ...SessionAnswer.entries,
  next: v.pipe(
    v.exactOptional(v.string()),
    v.description("One of our paths, which continues to the provider's sign-out"),
  ),
})

/** How a user recognises a session. */
export const WireDevice = v.object({
  browser: v.nullable(v.string()),
  system: v.nullable(v.string()),
  kind: v.picklist(['phone', 'tablet', 'desktop', 'other']),
})

/** A live connection. `upstream` and `title` are those of the upstream it goes to. */
export const WireStream = v.object({
  upstream: v.string(),
  title: v.string(),
  kind: v.picklist(['websocket', 'events', 'response']),
  since: unixMs,
})
export const SessionListItem = v.object({
  id: v.string(),
  device: WireDevice,
  network,
  createdAt: unixMs,
  lastSeenAt: unixMs,
  idleEndsAt: unixMs,
  absoluteEndsAt: unixMs,
  remember: v.boolean(),
  current: v.boolean(),
  streams: v.pipe(
    v.array(WireStream),
    v.description(
      "Its long-lived connections: each was opened by a client that had the session's cookies at the time.",
    ),
  ),
})
/** Newest first, the current session at the top. */
export const SessionListAnswer = v.object({ sessions: v.array(SessionListItem), next: cursor })
/** How many sessions have ended. */
export const EndedAnswer = v.object({ ended: v.pipe(v.number(), v.integer()) })

export const EVENT_KINDS = [
  'account_created',
  'account_imported',
  'signed_in',
  'sign_in_failed',
  'session_ended',
  'password_changed',
  'password_reset',
  'reset_link_made',
  'name_changed',
  'roles_changed',
  'account_disabled',
  'account_enabled',
  'password_locked',
  'identity_linked',
  'identity_unlinked',
  'mail_refused',
  'totp_added',
  'totp_removed',
  'passkey_added',
  'passkey_removed',
  'passkey_counter_reversed',
  'recovery_codes_made',
  'recovery_code_used',
  'factors_reset',
  'second_factor_failed',
  'second_factor_locked',
  'email_requested',
  'email_verified',
  'email_changed',
  'email_restored',
] as const
export const EventKind = v.picklist(EVENT_KINDS)

export const WireEvent = v.object({
  id: v.string(),
  at: unixMs,
  kind: EventKind,
  reason: v.pipe(v.nullable(EndReason), v.description('Only for `session_ended`')),
  sessionId: v.nullable(v.string()),
  device: v.nullable(WireDevice),
  network: v.nullable(network),
  by: v.pipe(
    v.nullable(v.string()),
    v.description("Who did it, if it was another account: an administrator's name, or null."),
  ),
})
export const EventsAnswer = v.object({ events: v.array(WireEvent), next: cursor })

export const WirePerson = v.object({
  ...WireUser.entries,
  mailRefusedAt: v.pipe(
    v.nullable(unixMs),
    v.description('When a mail server refused mail to the address; null: it has not, or has taken mail since.'),
  ),
  secondFactor: v.pipe(v.boolean(), v.description('Whether signing in takes a second factor')),
  createdAt: unixMs,
  disabledAt: v.nullable(unixMs),
  lastSeenAt: v.nullable(unixMs),
  sessions: v.pipe(v.number(), v.integer()),
})
export const PeopleAnswer = v.object({
  people: v.array(WirePerson),
  next: cursor,
  total: v.pipe(v.number(), v.integer(), v.description('The number of accounts on all pages')),
})

export const WireInvite = v.object({
  id: v.string(),
  email: v.nullable(v.string()),
  roles: v.array(Role),
  createdAt: unixMs,
  endsAt: unixMs,
  by: v.nullable(v.string()),
  mailed: v.pipe(
    v.nullable(v.picklist(['accepted', 'refused'])),
    v.description('Whether its mail was refused by a mail server; null: the link was handed over.'),
  ),
})
export const InvitesAnswer = v.object({ invites: v.array(WireInvite), next: cursor })
/** The link is only returned here; the store keeps the hash of its code. */
export const InviteAnswer = v.object({
  invite: WireInvite,
  href: v.pipe(
    v.nullable(v.string()),
    v.description('The link. null: it is mailed and nobody else has it, so that using it proves the address.'),
  ),
  sent: v.pipe(v.boolean(), v.description('Whether it is mailed')),
})
/** `problem`: why the password would be refused */
export const PasswordStrength = v.object({
  strength: v.picklist(['weak', 'fair', 'good', 'strong']),
  problem: v.nullable(v.picklist(PROBLEM_CODES)),
})
/** My address; `pending`: the one that a mailed link will confirm. */
export const EmailAnswer = v.object({
  email: v.nullable(v.string()),
  verified: v.boolean(),
  pending: v.nullable(
    v.object({
      email: v.string(),
      endsAt: unixMs,
      refused: v.pipe(v.boolean(), v.description('Whether a mail server refused the mail.')),
    }),
  ),
})
export const ResetLinkAnswer = v.object({ href: v.string(), endsAt: unixMs })
/** Something was done, and there is nothing to say about it. */
export const EmptyAnswer = v.object({})

export type WireUser = v.InferOutput<typeof WireUser>
export type WireSession = v.InferOutput<typeof WireSession>
export type SessionAnswer = v.InferOutput<typeof SessionAnswer>
export type SecondFactorAnswer = v.InferOutput<typeof SecondFactorAnswer>
export type LoginAnswer = v.InferOutput<typeof LoginAnswer>
export type PendingAnswer = v.InferOutput<typeof PendingAnswer>
export type PasskeyOptionsAnswer = v.InferOutput<typeof PasskeyOptionsAnswer>
export type WirePasskey = v.InferOutput<typeof WirePasskey>
export type PasskeySignals = v.InferOutput<typeof PasskeySignals>
export type FactorsAnswer = v.InferOutput<typeof FactorsAnswer>
export type EnrolledAnswer = v.InferOutput<typeof EnrolledAnswer>
export type TotpSetupAnswer = v.InferOutput<typeof TotpSetupAnswer>
export type RecoveryCodesAnswer = v.InferOutput<typeof RecoveryCodesAnswer>
export type PasswordLinks = v.InferOutput<typeof PasswordLinks>
export type MethodsAnswer = v.InferOutput<typeof MethodsAnswer>
export type ProviderLoginAnswer = v.InferOutput<typeof ProviderLoginAnswer>
export type WireLink = v.InferOutput<typeof WireLink>
export type LinksAnswer = v.InferOutput<typeof LinksAnswer>
export type SignOutAnswer = v.InferOutput<typeof SignOutAnswer>
export type WireDevice = v.InferOutput<typeof WireDevice>
export type WireStream = v.InferOutput<typeof WireStream>
export type SessionListItem = v.InferOutput<typeof SessionListItem>
export type SessionListAnswer = v.InferOutput<typeof SessionListAnswer>
export type EventKind = v.InferOutput<typeof EventKind>
export type WireEvent = v.InferOutput<typeof WireEvent>
export type EventsAnswer = v.InferOutput<typeof EventsAnswer>
export type WirePerson = v.InferOutput<typeof WirePerson>
export type PeopleAnswer = v.InferOutput<typeof PeopleAnswer>
export type WireInvite = v.InferOutput<typeof WireInvite>
export type InvitesAnswer = v.InferOutput<typeof InvitesAnswer>
export type InviteAnswer = v.InferOutput<typeof InviteAnswer>
export type PasswordStrength = v.InferOutput<typeof PasswordStrength>
export type EmailAnswer = v.InferOutput<typeof EmailAnswer>
export type ResetLinkAnswer = v.InferOutput<typeof ResetLinkAnswer>
