import * as v from 'valibot'
import { REGISTRATION } from '../contract/wire.ts'
import { isLoopback } from './address.ts'
import type { Provider, UserInfoFields } from './provider-config.ts'

const BASE_FORM =
  'an address like http://127.0.0.1:8000 or https://api.example.org/v1, without query, fragment or user name: https, or plain http on this machine'
const PATH_FORM = 'a path such as /token, without query'
const MEMBER_FORM = 'the path of a member, such as access_token or data.token'
const NAME_FORM = 'the name of a field'
const ERRORS_FORM = 'statuses such as "403", each with invalid_credentials, account_disabled or slow_down'
/** The problem codes that a failed sign-in may be mapped to. */
export const TOKEN_API_ERRORS = ['invalid_credentials', 'account_disabled', 'slow_down'] as const
export type TokenApiError = (typeof TOKEN_API_ERRORS)[number]

const text = (form: string, max = 200) => v.pipe(v.string(form), v.minLength(1, form), v.maxLength(max, form))
const path = v.pipe(v.string(PATH_FORM), v.regex(/^\/[^\s?#\\]*$/, PATH_FORM))
const member = v.exactOptional(v.pipe(v.string(MEMBER_FORM), v.regex(/^[^.\s]+(?:\.[^.\s]+)*$/, MEMBER_FORM)))
const oneOf = <const T extends readonly string[]>(list: T) =>
  v.exactOptional(v.picklist(list, `one of ${list.join(', ')}`))
const extraFields = v.exactOptional(v.record(v.string(), v.string('text'), 'names and their values'))
const method = oneOf(['POST', 'PUT', 'GET'])
const encoding = oneOf(['form', 'json'])
const OVER_FORM = 'statuses from 400 to 499 but 429, such as [401, 410]'
const finalStatus = v.pipe(
  v.number(OVER_FORM),
  v.integer(OVER_FORM),
  v.minValue(400, OVER_FORM),
  v.maxValue(499, OVER_FORM),
  v.notValue(429, OVER_FORM),
)
const values = v.pipe(
  v.array(text('values of the claim'), 'a list of values of the claim'),
  v.minLength(1, 'at least one value'),
)

const TokenCall = v.strictObject({
  path,
  method,
  as: encoding,
  token: oneOf(['body', 'query', 'bearer']),
  name: v.exactOptional(text(NAME_FORM)),
  also: extraFields,
})

/** The setting `tokenApi`, as an operator writes it: an API that authenticates users itself and issues tokens. */
export const TokenApiSetting = v.strictObject({
  name: v.exactOptional(text('text of 60 characters at most', 60)),
  url: v.pipe(v.string(BASE_FORM), v.check(isBase, BASE_FORM)),
  login: v.exactOptional(
    v.strictObject({
      path: v.exactOptional(path),
      method: oneOf(['POST', 'PUT']),
      as: encoding,
      username: v.exactOptional(text(NAME_FORM)),
      password: v.exactOptional(text(NAME_FORM)),
      also: extraFields,
    }),
  ),
  refresh: v.exactOptional(
    v.strictObject({
      ...TokenCall.entries,
      over: v.exactOptional(v.pipe(v.array(finalStatus, OVER_FORM), v.minLength(1, OVER_FORM))),
    }),
  ),
  revoke: v.exactOptional(TokenCall),
  answer: v.exactOptional(v.strictObject({ accessToken: member, refreshToken: member, expiresIn: member })),
  errors: v.exactOptional(
    v.record(
      v.pipe(v.string(ERRORS_FORM), v.regex(/^4\d\d$/, ERRORS_FORM)),
      v.picklist(TOKEN_API_ERRORS, ERRORS_FORM),
      ERRORS_FORM,
    ),
  ),
  userInfo: v.exactOptional(path),
  fields: v.exactOptional(v.strictObject({ subject: member, name: member, email: member, emailVerified: member })),
  roles: v.exactOptional(
    v.strictObject({ claim: text(MEMBER_FORM), admin: v.exactOptional(values), user: v.exactOptional(values) }),
  ),
  register: oneOf(REGISTRATION.filter(mode => mode !== 'invite') as ['closed', 'open']),
})
export type TokenApiSetting = v.InferOutput<typeof TokenApiSetting>

/** One call to the API, without its token or password. */
interface CallTemplate {
  path: string
  method: string
  as: 'form' | 'json'
  also: Record<string, string>
}
/** Where a refresh token goes: a body field, a query parameter, or `Authorization: Bearer`. */
export interface TokenCallTemplate extends CallTemplate {
  token: 'body' | 'query' | 'bearer'
  name: string
}

/** An API with tokens of its own, with every default filled in. */
export interface TokenApi {
  name: string
  /** Without a trailing slash. Scopes the subjects that the API reports. */
  url: string
  login: CallTemplate & { username: string; password: string }
  /** null: it has no refresh, so users sign in again when the access token expires. */
  refresh: TokenCallTemplate | null
  /** Statuses that reject a refresh token for good. Any other is a temporary failure, which ends no session. */
  over: ReadonlySet<number>
  /** null: it does not support revocation. */
  revoke: TokenCallTemplate | null
  answer: { accessToken: string; refreshToken: string; expiresIn: string }
  /** How its statuses are mapped when signing in. */
  errors: ReadonlyMap<number, TokenApiError>
  /** Called with the access token to identify the user; null: the claims of the access token do. */
  userInfo: string | null
  fields: UserInfoFields
  roles: Provider['roles']
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

/** Fills in every default: those of a typical FastAPI service, whose sign-in is a form (RFC 6749 §4.3.2). */
export function toTokenApi(setting: TokenApiSetting): TokenApi {
  const { login = {}, answer = {}, fields = {} } = setting
  return {
    name: setting.name ?? new URL(setting.url).host,
    url: setting.url.replace(/\/+$/, ''),
    login: {
      path: login.path ?? '/token',
      method: login.method ?? 'POST',
      as: login.as ?? 'form',
      username: login.username ?? 'username',
      password: login.password ?? 'password',
      also: login.also ?? (login.as === 'json' ? {} : { grant_type: 'password' }),
    },
    refresh: setting.refresh === undefined ? null : toTokenCall(setting.refresh),
    over: new Set(setting.refresh?.over ?? DEFAULT_FINAL_STATUSES),
    revoke: setting.revoke === undefined ? null : toTokenCall(setting.revoke),
    answer: {
      accessToken: answer.accessToken ?? 'access_token',
      refreshToken: answer.refreshToken ?? 'refresh_token',
      expiresIn: answer.expiresIn ?? 'expires_in',
    },
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
    roles:
      setting.roles === undefined
        ? null
        : { claim: setting.roles.claim, admin: setting.roles.admin ?? [], user: setting.roles.user ?? null },
    register: setting.register ?? 'open',
  }
}

function toTokenCall({
  path,
  method = 'POST',
  as = 'json',
  token = 'body',
  name = 'refresh_token',
  also = {},
}: v.InferOutput<typeof TokenCall>): TokenCallTemplate {
  return { path, method, as, token, name, also }
}

function isBase(value: string): boolean {
  if (!/^https?:\/\/[^\s\\?#@]+$/i.test(value) || !URL.canParse(value)) return false
  const { protocol, hostname } = new URL(value)
  return protocol === 'https:' || isLoopback(hostname)
}
