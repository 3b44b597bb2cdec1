import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { SECOND } from '../base/clock.ts'
import { Secret } from '../base/secret.ts'
import { REGISTRATION } from '../contract/wire.ts'
import { isLoopback } from './address.ts'
import { readClientKey } from './client-key.ts'
import { type Preset, PRESET_NAMES, PRESETS } from './presets.ts'
import type { ConfigProblem } from './config-problems.ts'
import { CLIENT_AUTHS, type ClientAuth, type Provider, SIGNATURE_ALGS, type UserInfoFields } from './provider-config.ts'

const ID_FORM = 'lower-case letters, digits and dashes, beginning with a letter, 32 at most'
const ENDPOINT_FORM = 'an https address (plain http on this machine only), without fragment or user name'
const SECRET_FORM = 'text, { env: the name of a variable } or { file: the path of a file }'
const FIELD_FORM = 'the path of a member, such as sub or user.id'
const SCOPES_FORM = 'a list of scope names (RFC 6749 §3.3)'
const RECHECK_FORM = 'whole seconds from 0 (never) to 86400'
const ICON_FORM = 'the name of an icon, such as key-round'

const text = (form: string, most = 500) => v.pipe(v.string(form), v.minLength(1, form), v.maxLength(most, form))
/** Never the schema library's messages, which quote the input: it may be a secret in the wrong place. */
const group = <const E extends v.ObjectEntries>(entries: E) =>
  v.strictObject(entries, issue => (issue.received === 'undefined' ? 'a value' : 'a group of fields'))
const oneOf = <const T extends readonly string[]>(list: T) =>
  v.exactOptional(v.picklist(list, `one of ${list.join(', ')}`))
const endpoint = v.pipe(v.string(ENDPOINT_FORM), v.check(isEndpoint, ENDPOINT_FORM))
const secret = v.exactOptional(
  v.union(
    [text(SECRET_FORM, 10_000), group({ env: text(SECRET_FORM) }), group({ file: text(SECRET_FORM) })],
    SECRET_FORM,
  ),
)
const field = v.exactOptional(v.pipe(v.string(FIELD_FORM), v.regex(/^[^.\s]+(?:\.[^.\s]+)*$/, FIELD_FORM)))
const values = v.pipe(
  v.array(text('values of the claim'), 'a list of values of the claim'),
  v.minLength(1, 'at least one value'),
)

/** Parameters of the authorization request that are determined by OAuth and OpenID Connect and cannot be configured. */
const OUR_PARAMETERS = [
  'client_id',
  'client_secret',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
  'dpop_jkt',
  'max_age',
]

/** One entry of `providers`, as an operator writes it. */
export const ProviderSetting = group({
  id: v.pipe(v.string(ID_FORM), v.regex(/^[a-z][a-z0-9-]{0,31}$/, ID_FORM)),
  kind: oneOf(['oidc', 'oauth2']),
  preset: oneOf(PRESET_NAMES),
  name: v.exactOptional(text('text of 60 characters at most', 60)),
  icon: v.exactOptional(v.pipe(v.string(ICON_FORM), v.regex(/^[a-z0-9-]{1,40}$/, ICON_FORM))),
  issuer: v.exactOptional(
    v.pipe(
      v.string(ENDPOINT_FORM),
      v.check(value => isEndpoint(value) && !value.includes('?'), ENDPOINT_FORM),
    ),
  ),
  formerIssuers: v.exactOptional(
    v.pipe(v.array(text('an earlier issuer'), 'a list of earlier issuers'), v.maxLength(10, 'at most 10 issuers')),
  ),
  authorizationEndpoint: v.exactOptional(endpoint),
  tokenEndpoint: v.exactOptional(endpoint),
  userInfoEndpoint: v.exactOptional(endpoint),
  emailsEndpoint: v.exactOptional(endpoint),
  revocationEndpoint: v.exactOptional(endpoint),
  fields: v.exactOptional(group({ subject: field, name: field, email: field, emailVerified: field })),
  userInfo: v.exactOptional(v.boolean('true or false')),
  clientId: text('the id that the provider gave this site'),
  clientSecret: secret,
  privateKey: secret,
  clientAuth: oneOf(CLIENT_AUTHS),
  scopes: v.exactOptional(
    v.array(v.pipe(v.string(SCOPES_FORM), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, SCOPES_FORM)), SCOPES_FORM),
  ),
  dpop: v.exactOptional(v.boolean('true or false')),
  parameters: v.exactOptional(
    v.pipe(
      v.record(v.string(), v.string('text'), 'names and their values'),
      v.check(
        all => Object.keys(all).every(name => !OUR_PARAMETERS.includes(name)),
        `parameters other than ${OUR_PARAMETERS.join(', ')}`,
      ),
    ),
  ),
  roles: v.exactOptional(
    group({ claim: text(FIELD_FORM), admin: v.exactOptional(values), user: v.exactOptional(values) }),
  ),
  register: oneOf(REGISTRATION),
  logout: oneOf(['link', 'always', 'never']),
  recheckSeconds: v.exactOptional(
    v.pipe(
      v.number(RECHECK_FORM),
      v.safeInteger(RECHECK_FORM),
      v.minValue(0, RECHECK_FORM),
      v.maxValue(86_400, RECHECK_FORM),
    ),
  ),
  idTokenAlg: oneOf(SIGNATURE_ALGS),
  clockToleranceSeconds: v.exactOptional(
    v.pipe(
      v.number('seconds from 0 to 300'),
      v.minValue(0, 'seconds from 0 to 300'),
      v.maxValue(300, 'seconds from 0 to 300'),
    ),
  ),
})
export type ProviderSetting = v.InferOutput<typeof ProviderSetting>

export const ProvidersSetting = v.pipe(
  v.array(ProviderSetting, 'a list of providers'),
  v.maxLength(20, 'at most 20 providers'),
  v.check(list => new Set(list.map(one => one.id)).size === list.length, 'unique ids'),
  v.check(list => {
    const issuers = list.map(one => one.issuer ?? presetOf(one)?.issuer).filter(issuer => typeof issuer === 'string')
    return new Set(issuers).size === issuers.length
  }, 'unique issuers: one entry per provider'),
  v.check(list => {
    const former = list.flatMap(one => one.formerIssuers ?? [])
    return new Set(former).size === former.length && list.every(one => !former.includes(issuerOf(one)))
  }, "formerIssuers that are no provider's current issuer, each in one entry"),
)

/** Fields whose content may appear in a message. */
export const SHOWN_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'kind',
  'preset',
  'name',
  'icon',
  'issuer',
  'formerIssuers',
  'clientAuth',
  'register',
  'logout',
  'dpop',
  'userInfo',
  'recheckSeconds',
  'idTokenAlg',
  'clockToleranceSeconds',
  'scopes',
])

/** How `config check` shows them: without secrets. */
export function shownProviders(providers: readonly Provider[]): string {
  return providers.length === 0
    ? 'none'
    : providers.map(one => `${one.id} (${one.kind}, ${one.issuer}, ${one.clientAuth})`).join('; ')
}

/** Repeats the type of sources.ts, which imports the settings and therefore cannot be imported here. */
type Environment = Readonly<Record<string, string | undefined>>

interface Surroundings {
  env: Environment
  /** The folder that relative paths start from. */
  folder: string
  /** What to call a field of an entry in a message. */
  nameOf: (index: number, field: string) => string
}

/**
 * Fills in every default and reads secrets from variables and files. Problems with an entry as a whole are added to
 * `problems`.
 */
export function toProviders(
  settings: readonly ProviderSetting[],
  problems: ConfigProblem[],
  { env, folder, nameOf }: Surroundings,
): Provider[] {
  return settings.map((setting, index) => {
    const wrong = (field: string, expected: string) =>
      void problems.push({ name: nameOf(index, field), given: null, expected })
    return toProvider(setting, wrong, field => {
      const found = readSecret(setting[field], env, folder)
      if (typeof found !== 'string') return found
      wrong(field, found)
      return null
    })
  })
}

function toProvider(
  setting: ProviderSetting,
  wrong: (field: string, expected: string) => void,
  secretOf: (field: 'clientSecret' | 'privateKey') => Secret | null,
): Provider {
  const preset = presetOf(setting)
  const kind = setting.kind ?? preset?.kind ?? 'oidc'
  if (setting.kind === undefined && preset === null) wrong('kind', 'oidc or oauth2, or a preset')
  if (setting.kind !== undefined && preset !== null && setting.kind !== preset.kind)
    wrong('kind', `${preset.kind}, as in the preset`)
  const clientSecret = secretOf('clientSecret')
  const privateKey = secretOf('privateKey')
  const clientAuth = setting.clientAuth ?? usualAuth(setting, preset)
  judgeAuth(setting, clientAuth, privateKey, wrong)
  const issuer = setting.issuer ?? preset?.issuer ?? null
  if (kind === 'oidc' && issuer === null) wrong('issuer', "the provider's issuer, exactly as in its discovery document")
  return {
    id: setting.id,
    kind,
    name: setting.name ?? preset?.name ?? setting.id,
    icon: setting.icon ?? preset?.icon ?? 'log-in',
    issuer: issuerOf(setting),
    formerIssuers: setting.formerIssuers ?? [],
    endpoints: endpointsOf(kind, setting, preset, wrong),
    fields: fieldsOf(kind, setting, preset, wrong),
    userInfo: userInfoOf(kind, setting, wrong),
    clientId: setting.clientId,
    clientSecret,
    privateKey,
    clientAuth,
    scopes: scopesOf(kind, setting, preset, wrong),
    dpop: setting.dpop ?? false,
    parameters: setting.parameters ?? {},
    roles:
      setting.roles === undefined
        ? null
        : { claim: setting.roles.claim, admin: setting.roles.admin ?? [], user: setting.roles.user ?? null },
    register: setting.register ?? null,
    logout: setting.logout ?? 'link',
    recheckMs: setting.recheckSeconds === undefined ? null : setting.recheckSeconds * SECOND,
    idTokenAlg: setting.idTokenAlg ?? null,
    clockToleranceSeconds: setting.clockToleranceSeconds ?? 120,
  }
}

function endpointsOf(
  kind: Provider['kind'],
  setting: ProviderSetting,
  preset: Preset | null,
  wrong: (field: string, expected: string) => void,
): Provider['endpoints'] {
  const names = ['authorizationEndpoint', 'tokenEndpoint', 'userInfoEndpoint'] as const
  if (kind === 'oidc') {
    for (const name of [...names, 'emailsEndpoint', 'revocationEndpoint'] as const)
      if (setting[name] !== undefined) wrong(name, 'no such field here: oidc providers publish their endpoints')
    return null
  }
  const [authorization, token, userInfo] = names.map(name => {
    const found = setting[name] ?? preset?.[name]
    if (found === undefined) wrong(name, ENDPOINT_FORM)
    return found ?? ''
  })
  return {
    authorization: authorization ?? '',
    token: token ?? '',
    userInfo: userInfo ?? '',
    emails: setting.emailsEndpoint ?? preset?.emailsEndpoint ?? null,
    revocation: setting.revocationEndpoint ?? null,
  }
}

function fieldsOf(
  kind: Provider['kind'],
  { fields = {} }: ProviderSetting,
  preset: Preset | null,
  wrong: (field: string, expected: string) => void,
): UserInfoFields {
  const known = { ...preset?.fields, ...fields }
  if (kind === 'oidc' && Object.keys(fields).length > 0)
    wrong('fields', 'no such field here: OpenID Connect defines them')
  if (kind === 'oauth2' && known.subject === undefined)
    wrong('fields.subject', `${FIELD_FORM}: what never changes about an account`)
  return {
    subject: known.subject ?? 'sub',
    name: known.name ?? null,
    email: known.email ?? null,
    emailVerified: known.emailVerified ?? null,
  }
}

function userInfoOf(
  kind: Provider['kind'],
  { userInfo }: ProviderSetting,
  wrong: (field: string, expected: string) => void,
): boolean {
  if (kind === 'oauth2' && userInfo === false)
    wrong('userInfo', "true: user info is the only source of an oauth2 provider's accounts")
  return userInfo ?? true
}

function scopesOf(
  kind: Provider['kind'],
  { scopes }: ProviderSetting,
  preset: Preset | null,
  wrong: (field: string, expected: string) => void,
): string[] {
  if (kind === 'oidc' && scopes !== undefined && !scopes.includes('openid'))
    wrong('scopes', 'a list that includes openid')
  return scopes ?? preset?.scopes ?? (kind === 'oidc' ? ['openid', 'profile', 'email'] : [])
}

function usualAuth({ clientSecret, privateKey }: ProviderSetting, preset: Preset | null): ClientAuth {
  if (privateKey !== undefined) return 'private_key_jwt'
  return clientSecret === undefined ? 'none' : (preset?.clientAuth ?? 'client_secret_basic')
}

function judgeAuth(
  setting: ProviderSetting,
  clientAuth: ClientAuth,
  privateKey: Secret | null,
  wrong: (field: string, expected: string) => void,
): void {
  const usesSecret = clientAuth === 'client_secret_basic' || clientAuth === 'client_secret_post'
  if (usesSecret && setting.clientSecret === undefined) wrong('clientSecret', `${SECRET_FORM}, for ${clientAuth}`)
  if (!usesSecret && setting.clientSecret !== undefined) wrong('clientSecret', `nothing: ${clientAuth} uses no secret`)
  if (clientAuth === 'private_key_jwt' && setting.privateKey === undefined)
    wrong('privateKey', `${SECRET_FORM}, for private_key_jwt`)
  if (clientAuth !== 'private_key_jwt' && setting.privateKey !== undefined)
    wrong('privateKey', `nothing: ${clientAuth} uses no key`)
  if (privateKey !== null) judgeKey(privateKey, wrong)
}

function judgeKey(privateKey: Secret, wrong: (field: string, expected: string) => void): void {
  const key = readClientKey(privateKey)
  if (key === null)
    wrong(
      'privateKey',
      'a private key in PEM (PKCS #8) or as a JWK: EC P-256, P-384 or P-521, Ed25519, or RSA of 2048 bits and more',
    )
  else if (key.alg !== null && !key.canDo.includes(key.alg))
    wrong('privateKey', `an "alg" in the JWK that its key supports: ${key.canDo.join(', ')}`)
}

/** @returns text that describes the problem if it cannot be read */
function readSecret(
  written: ProviderSetting['clientSecret'],
  env: Environment,
  folder: string,
): Secret | null | string {
  if (written === undefined) return null
  if (typeof written === 'string') return new Secret(written)
  if ('env' in written) {
    const value = env[written.env]
    return value ? new Secret(value) : `the variable ${written.env} to be set`
  }
  try {
    const value = readFileSync(resolve(folder, written.file), 'utf8').replace(/\r?\n$/, '')
    return value === '' ? `${written.file} to contain it` : new Secret(value)
  } catch (error) {
    return `${written.file} to be readable (${error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'})`
  }
}

function issuerOf(setting: ProviderSetting): string {
  return setting.issuer ?? presetOf(setting)?.issuer ?? nameOfSource(setting)
}

/** An OAuth provider has no issuer, so its origin and id scope its subjects. */
function nameOfSource({ id, authorizationEndpoint }: ProviderSetting): string {
  return authorizationEndpoint !== undefined && URL.canParse(authorizationEndpoint)
    ? `${new URL(authorizationEndpoint).origin}#${id}`
    : id
}

function presetOf({ preset }: Pick<ProviderSetting, 'preset'>): Preset | null {
  return preset === undefined ? null : PRESETS[preset]
}

function isEndpoint(value: string): boolean {
  if (!/^https?:\/\/[^\s\\#@]+$/i.test(value) || !URL.canParse(value)) return false
  const { protocol, hostname } = new URL(value)
  return protocol === 'https:' || isLoopback(hostname)
}
