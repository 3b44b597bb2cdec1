import * as v from 'valibot'
import { REGISTRATION } from '../contract/wire.ts'
import { isLoopback } from './address.ts'
import type { UserInfoFields } from './provider-config.ts'
import { type RoleMapping, RoleMappingSetting, toRoleMapping } from './role-mapping.ts'
import {
  AnswerSetting,
  ApiPath,
  DEFAULT_ANSWER,
  LoginCallSetting,
  type LoginCallTemplate,
  Member,
  RefreshCallSetting,
  RevokeCallSetting,
  toLoginCall,
  type TokenAnswer,
  type TokenCallTemplate,
  toTokenCall,
} from './token-calls.ts'
import { type TokenHeader, TokenHeaderSetting, toTokenHeader } from './token-header.ts'

const BASE_FORM =
  'an address like http://127.0.0.1:8000 or https://api.example.org/v1, without query, fragment or user name: https, or plain http on this machine'
const NAME_FORM = 'text of 60 characters at most'
const ERRORS_FORM = 'statuses such as "403", each with invalid_credentials, account_disabled or slow_down'
const LINK_FORM = 'an https address (plain http on this machine only), or a path of this site such as /register'
const REGISTER = REGISTRATION.filter(mode => mode !== 'invite') as ['closed', 'open']
/** The problem codes that a failed sign-in may be mapped to. */
export const TOKEN_API_ERRORS = ['invalid_credentials', 'account_disabled', 'slow_down'] as const
export type TokenApiError = (typeof TOKEN_API_ERRORS)[number]

const link = v.exactOptional(v.pipe(v.string(LINK_FORM), v.maxLength(2000, LINK_FORM), v.check(isLink, LINK_FORM)))

/** The setting `tokenApi`, as an operator writes it: an API that authenticates users itself and issues tokens. */
export const TokenApiSetting = v.strictObject({
  name: v.exactOptional(v.pipe(v.string(NAME_FORM), v.minLength(1, NAME_FORM), v.maxLength(60, NAME_FORM))),
  url: v.pipe(v.string(BASE_FORM), v.check(isBase, BASE_FORM)),
  login: v.exactOptional(LoginCallSetting),
  refresh: v.exactOptional(RefreshCallSetting),
  revoke: v.exactOptional(RevokeCallSetting),
  answer: v.exactOptional(AnswerSetting),
  tokenHeader: v.exactOptional(TokenHeaderSetting),
  links: v.exactOptional(v.strictObject({ register: link, reset: link })),
  errors: v.exactOptional(
    v.record(
      v.pipe(v.string(ERRORS_FORM), v.regex(/^4\d\d$/, ERRORS_FORM)),
      v.picklist(TOKEN_API_ERRORS, ERRORS_FORM),
      ERRORS_FORM,
    ),
  ),
  userInfo: v.exactOptional(ApiPath),
  fields: v.exactOptional(v.strictObject({ subject: Member, name: Member, email: Member, emailVerified: Member })),
  roles: v.exactOptional(RoleMappingSetting),
  register: v.exactOptional(v.picklist(REGISTER, `one of ${REGISTER.join(', ')}`)),
})
export type TokenApiSetting = v.InferOutput<typeof TokenApiSetting>

/** An API with tokens of its own, with every default filled in. */
export interface TokenApi {
  name: string
  /** Without a trailing slash. Scopes the subjects that the API reports. */
  url: string
  login: LoginCallTemplate
  /** null: it has no refresh, so users sign in again when the access token expires. */
  refresh: TokenCallTemplate | null
  /** Statuses that reject a refresh token for good. Any other is a temporary failure, which ends no session. */
  over: ReadonlySet<number>
  /** null: it does not support revocation. */
  revoke: TokenCallTemplate | null
  answer: TokenAnswer
  /** As `answer`, where a refresh does not differ. */
  refreshAnswer: TokenAnswer
  /** Where its own routes, such as user-info, expect a token. null: `Authorization: Bearer` */
  tokenHeader: TokenHeader | null
  /** Where people register and reset a password there: URLs or paths of this site. null: not shown */
  links: { register: string | null; reset: string | null }
  /** How its statuses are mapped when signing in. */
  errors: ReadonlyMap<number, TokenApiError>
  /** Called with the access token to identify the user; null: the claims of the access token do. */
  userInfo: string | null
  fields: UserInfoFields
  roles: RoleMapping | null
  /** Whether a first sign-in creates an account here. */
  register: 'closed' | 'open'
}

/** How typical services respond to wrong credentials. */
const DEFAULT_ERRORS: [number, TokenApiError][] = [
  [400, 'invalid_credentials'],
  [401, 'invalid_credentials'],
  [404, 'invalid_credentials'],
  [422, 'invalid_credentials'],
  [403, 'account_disabled'],
  [423, 'account_disabled'],
  [429, 'slow_down'],
]

/** Not 403 and 404, which a firewall or a deployment in progress also sends, and to everyone. */
const DEFAULT_FINAL_STATUSES = [400, 401, 422]

/** Fills in every default: those of a typical FastAPI service. */
export function toTokenApi(setting: TokenApiSetting): TokenApi {
  const { fields = {}, links = {} } = setting
  const answer = { ...DEFAULT_ANSWER, ...setting.answer }
  return {
    name: setting.name ?? new URL(setting.url).host,
    url: setting.url.replace(/\/+$/, ''),
    login: toLoginCall(setting.login ?? {}),
    refresh: setting.refresh === undefined ? null : toTokenCall(setting.refresh),
    over: new Set(setting.refresh?.over ?? DEFAULT_FINAL_STATUSES),
    revoke: setting.revoke === undefined ? null : toTokenCall(setting.revoke),
    answer,
    refreshAnswer: { ...answer, ...setting.refresh?.answer },
    tokenHeader: toTokenHeader(setting.tokenHeader),
    links: { register: links.register ?? null, reset: links.reset ?? null },
    errors: new Map([
      ...DEFAULT_ERRORS,
      ...Object.entries(setting.errors ?? {}).map(([status, error]): [number, TokenApiError] => [
        Number(status),
        error,
      ]),
    ]),
    userInfo: setting.userInfo ?? null,
    fields: {
      subject: fields.subject ?? 'sub',
      name: fields.name ?? 'name',
      email: fields.email ?? 'email',
      emailVerified: fields.emailVerified ?? 'email_verified',
    },
    roles: toRoleMapping(setting.roles),
    register: setting.register ?? 'open',
  }
}

/** Nothing that runs a script or leaves this site unnoticed, such as `javascript:` or `//elsewhere`. */
function isLink(value: string): boolean {
  if (/[\s\\\p{Cc}]/u.test(value)) return false
  if (/^\/(?!\/)/.test(value)) return true
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return false
  const { protocol, hostname, username, password } = new URL(value)
  return username === '' && password === '' && (protocol === 'https:' || isLoopback(hostname))
}

function isBase(value: string): boolean {
  if (!/^https?:\/\/[^\s\\?#@]+$/i.test(value) || !URL.canParse(value)) return false
  const { protocol, hostname } = new URL(value)
  return protocol === 'https:' || isLoopback(hostname)
}
