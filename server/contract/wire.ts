import * as v from 'valibot'
import { Email as email, MAX_EMAIL_LENGTH } from './email.ts'
import type { EndReason } from './end-reasons.ts'

/** Unix milliseconds. */
type UnixMs = number

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
  v.regex(/^[^\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069\p{Cs}]*$/u),
)
/** As typed: not trimmed, truncated or case-folded (ASVS 6.2.8). Rules beyond this bound are in accounts/. */
const password = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_PASSWORD_LENGTH * 4))
const code = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(MAX_CODE_LENGTH))

export const SetupRequest = v.strictObject({ code, email, name, password })
export const RegisterRequest = v.strictObject({ email, name, password, invite: v.optional(code) })
export const LoginRequest = v.strictObject({
  // The form is not checked: an invalid address is answered like an unknown one.
  email: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(MAX_EMAIL_LENGTH)),
  password,
  remember: v.optional(v.boolean()),
})
export const ReauthenticateRequest = v.strictObject({ password })
export const ChangePasswordRequest = v.strictObject({ current: password, next: password })
export const ChangeUserRequest = v.strictObject({ name })
export const ResetRequest = v.strictObject({ code, password })
export const InviteRequest = v.strictObject({
  email: v.optional(email),
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
export type ReauthenticateRequest = v.InferOutput<typeof ReauthenticateRequest>
export type ChangePasswordRequest = v.InferOutput<typeof ChangePasswordRequest>
export type ChangeUserRequest = v.InferOutput<typeof ChangeUserRequest>
export type ResetRequest = v.InferOutput<typeof ResetRequest>
export type InviteRequest = v.InferOutput<typeof InviteRequest>
export type ChangePersonRequest = v.InferOutput<typeof ChangePersonRequest>
export type TestSignInRequest = v.InferOutput<typeof TestSignInRequest>

// ---- responses

/** `email: null`: the account was created by a provider that did not vouch for an address. */
export interface WireUser {
  id: string
  email: string | null
  name: string
  roles: Role[]
}

/** `accessEndsAt: null`: authenticated by the refresh token alone, and no new cookies were sent (a late request, an upgrade). */
export interface WireSession {
  id: string
  createdAt: UnixMs
  authTime: UnixMs
  accessEndsAt: UnixMs | null
  idleEndsAt: UnixMs
  absoluteEndsAt: UnixMs
  amr: string[]
  remember: boolean
}

/** `GET /auth/session`, and the response to every kind of sign-in. */
export interface SessionAnswer {
  user: WireUser | null
  session: WireSession | null
  ended?: EndReason
}

/** Where people register and reset a password at an API that manages them: URLs or paths of this site. null: nowhere */
export interface PasswordLinks {
  register: string | null
  reset: string | null
}

export interface MethodsAnswer {
  setupNeeded: boolean
  registration: Registration
  /** `by`: the API that manages names and passwords, if we do not. */
  password: { enabled: boolean; minLength: number; by: string | null; links: PasswordLinks }
  /** Identity providers. `available` is false while the provider cannot be reached. */
  providers: { id: string; name: string; icon: string; href: string; available: boolean }[]
  /** Methods that a script of the page runs: it posts to `href` and answers the challenge. Absent: there are none. */
  others?: { id: string; href: string }[]
}

/** `POST /auth/login/:method` and `POST /auth/reauthenticate/:method`: the other fields belong to the method. */
export const MethodLoginRequest = v.looseObject({
  remember: v.optional(v.boolean()),
  returnTo: v.optional(v.string()),
})
export const MethodReauthenticateRequest = v.omit(MethodLoginRequest, ['remember'])
/** To be answered by another request to the same URL. */
export interface ChallengeAnswer {
  next: 'challenge'
  challenge: object
}

/** What a script sends to start a sign-in at a provider: an invitation, which must not appear in a URL. */
export const ProviderLoginRequest = v.strictObject({ invite: v.optional(code) })
/** Where the browser goes next: a URL of the provider. */
export interface ProviderLoginAnswer {
  href: string
}

/** External identities that can sign this account in. `password`: whether a password can, too. */
export interface LinksAnswer {
  links: WireLink[]
  password: boolean
}
export interface WireLink {
  id: string
  provider: string
  name: string
  icon: string
  label: string
  email: string | null
  createdAt: UnixMs
  lastUsedAt: UnixMs
}

/** The response to a sign-out. `next`: one of our paths, which continues to the provider's sign-out. */
export interface SignOutAnswer extends SessionAnswer {
  next?: string
}

/** How a user recognises a session. `network` is an address as observed by the server. */
export interface WireDevice {
  browser: string | null
  system: string | null
  kind: 'phone' | 'tablet' | 'desktop' | 'other'
}

export interface SessionListItem {
  id: string
  device: WireDevice
  network: string
  createdAt: UnixMs
  lastSeenAt: UnixMs
  idleEndsAt: UnixMs
  absoluteEndsAt: UnixMs
  remember: boolean
  current: boolean
  /** Its long-lived connections: each was opened by a client that had the session's cookies at the time. */
  streams: WireStream[]
}
/** A live connection. `upstream` and `title` are those of the upstream it goes to. */
export interface WireStream {
  upstream: string
  title: string
  kind: 'websocket' | 'events' | 'response'
  since: UnixMs
}
/** Newest first, the current session at the top. `next`: the cursor of the next page, or null. */
export interface SessionListAnswer {
  sessions: SessionListItem[]
  next: string | null
}

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
] as const
export const EventKind = v.picklist(EVENT_KINDS)
export type EventKind = v.InferOutput<typeof EventKind>

export interface WireEvent {
  id: string
  at: UnixMs
  kind: EventKind
  /** Only for `session_ended`. */
  reason: EndReason | null
  sessionId: string | null
  device: WireDevice | null
  network: string | null
  /** Who did it, if it was another account: an administrator's name, or null. */
  by: string | null
}
export interface EventsAnswer {
  events: WireEvent[]
  next: string | null
}

export interface WirePerson extends WireUser {
  createdAt: UnixMs
  disabledAt: UnixMs | null
  lastSeenAt: UnixMs | null
  sessions: number
}
/** `next`: the cursor of the next page, or null. `total`: the number of accounts on all pages. */
export interface PeopleAnswer {
  people: WirePerson[]
  next: string | null
  total: number
}

export interface WireInvite {
  id: string
  email: string | null
  roles: Role[]
  createdAt: UnixMs
  endsAt: UnixMs
  by: string | null
}
export interface InvitesAnswer {
  invites: WireInvite[]
  next: string | null
}
/** The link is only returned here; the store keeps the hash of its code. */
export interface InviteAnswer {
  invite: WireInvite
  href: string
}
export interface ResetLinkAnswer {
  href: string
  endsAt: UnixMs
}
