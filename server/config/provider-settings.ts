import * as v from 'valibot'
import { REGISTRATION } from '../contract/wire.ts'
import { isLoopback } from './address.ts'
import { type Preset, PRESET_NAMES, PRESETS } from './presets.ts'
import { CLIENT_AUTHS, type Provider, SIGNATURE_ALGS } from './provider-config.ts'
import { RoleMappingSetting } from './role-mapping.ts'

const ID_FORM = 'lower-case letters, digits and dashes, beginning with a letter, 32 at most'
export const ENDPOINT_FORM = 'an https address (plain http on this machine only), without fragment or user name'
export const SECRET_FORM = 'text, { env: the name of a variable } or { file: the path of a file }'
export const FIELD_FORM = 'the path of a member, such as sub or user.id'
const SCOPES_FORM = 'a list of scope names (RFC 6749 §3.3)'
const RECHECK_FORM = 'whole seconds from 0 (never) to 86400'
const ICON_FORM = 'the name of an icon, such as key-round'

const text = (form: string, max = 500) => v.pipe(v.string(form), v.minLength(1, form), v.maxLength(max, form))
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
  secondFactor: v.exactOptional(v.picklist(['ask', 'trust'], 'ask or trust')),
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
  roles: v.exactOptional(RoleMappingSetting),
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
  v.check(list => new Set(list.map(provider => provider.id)).size === list.length, 'unique ids'),
  v.check(list => {
    const issuers = list
      .map(provider => provider.issuer ?? presetOf(provider)?.issuer)
      .filter(issuer => typeof issuer === 'string')
    return new Set(issuers).size === issuers.length
  }, 'unique issuers: one entry per provider'),
  v.check(list => {
    const former = list.flatMap(provider => provider.formerIssuers ?? [])
    return new Set(former).size === former.length && list.every(provider => !former.includes(issuerOf(provider)))
  }, "formerIssuers that are no provider's current issuer, each in one entry"),
)

/** Fields whose content may appear in a message. */
export const SHOWN_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'kind',
  'preset',
  'name',
  'icon',
  'secondFactor',
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
    : providers
        .map(provider => `${provider.id} (${provider.kind}, ${provider.issuer}, ${provider.clientAuth})`)
        .join('; ')
}

export function issuerOf(setting: ProviderSetting): string {
  return setting.issuer ?? presetOf(setting)?.issuer ?? nameOfSource(setting)
}

/** An OAuth provider has no issuer, so its origin and id scope its subjects. */
function nameOfSource({ id, authorizationEndpoint }: ProviderSetting): string {
  return authorizationEndpoint !== undefined && URL.canParse(authorizationEndpoint)
    ? `${new URL(authorizationEndpoint).origin}#${id}`
    : id
}

export function presetOf({ preset }: Pick<ProviderSetting, 'preset'>): Preset | null {
  return preset === undefined ? null : PRESETS[preset]
}

function isEndpoint(value: string): boolean {
  if (!/^https?:\/\/[^\s\\#@]+$/i.test(value) || !URL.canParse(value)) return false
  const { protocol, hostname } = new URL(value)
  return protocol === 'https:' || isLoopback(hostname)
}
