import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { SECOND } from '../base/clock.ts'
import { Secret } from '../base/secret.ts'
import { readClientKey } from './client-key.ts'
import type { ConfigProblem } from './config-problems.ts'
import type { Preset } from './presets.ts'
import type { ClientAuth, Provider, UserInfoFields } from './provider-config.ts'
import {
  ENDPOINT_FORM,
  FIELD_FORM,
  issuerOf,
  presetOf,
  type ProviderSetting,
  SECRET_FORM,
} from './provider-settings.ts'
import { toRoleMapping } from './role-mapping.ts'

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
      void problems.push({ name: nameOf(index, field), received: null, expected })
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
    secondFactor: setting.secondFactor ?? 'ask',
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
    roles: toRoleMapping(setting.roles),
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
