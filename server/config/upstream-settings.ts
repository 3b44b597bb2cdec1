import { METHODS } from 'node:http'
import * as v from 'valibot'
import { MINUTE, SECOND } from '../base/clock.ts'
import { isUnder, RESERVED } from '../contract/reserved.ts'
import { TOKEN_API } from '../contract/token-api-id.ts'
import { ACR_VALUES } from '../contract/acr.ts'
import { Role } from '../contract/wire.ts'
import { toOrigin } from './address.ts'
import { TlsSetting } from './tls-setting.ts'
import { type TokenHeader, TokenHeaderSetting, toTokenHeader } from './token-header.ts'
import { CLAIMS, HOSTS, TOKEN_TYPES, TOKENS, type Upstream } from './upstream-config.ts'

const NAME_FORM = 'lower-case letters, digits and dashes, beginning with a letter, 32 at most'
const PREFIX_FORM = 'a path such as /api/orders: plain segments, no slash at the end'
const TARGET_FORM = 'an address like http://127.0.0.1:8000/v1: http or https, without query, fragment or user name'
const ORIGIN_FORM = 'origins like https://login.example.org'
const PAGE_FORM = 'a path of this site such as /notes, or an address'
const STREAM_MAX = 'a whole number of seconds from 1 to 86400'
const CLAIM_FORM = `a list of claims, each once: ${CLAIMS.join(', ')}`
const HEADER_FORM = 'names of headers, such as X-Employee-Number: 100 at most, of 100 characters at most'

/**
 * The methods that Node's parser supports, except CONNECT, which requests a tunnel, and TRACE, which echoes cookies to
 * the reader of the response.
 */
const RELAYED_METHODS = METHODS.filter(method => method !== 'CONNECT' && method !== 'TRACE')
const METHOD_FORM = `HTTP methods in upper case: ${RELAYED_METHODS.join(', ')}`

const seconds = (max: number) => {
  const expected = `a number of seconds from 0.1 to ${max}`
  return v.exactOptional(v.pipe(v.number(expected), v.minValue(0.1, expected), v.maxValue(max, expected)))
}
const bytes = (min: number) => {
  const expected = `a whole number of bytes from ${min}`
  return v.exactOptional(v.pipe(v.number(expected), v.safeInteger(expected), v.minValue(min, expected)))
}
const flag = v.exactOptional(v.boolean('true or false'))
const words = (max: number) => v.exactOptional(v.pipe(v.string('text'), v.maxLength(max, `at most ${max} characters`)))

/** One entry of `upstreams`, as an operator writes it. */
export const UpstreamSetting = v.strictObject({
  name: v.pipe(v.string(NAME_FORM), v.regex(/^[a-z][a-z0-9-]{0,31}$/, NAME_FORM)),
  prefix: v.exactOptional(
    v.pipe(v.string(PREFIX_FORM), v.regex(/^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/, PREFIX_FORM)),
  ),
  target: v.pipe(
    v.string(TARGET_FORM),
    v.check(value => parseTarget(value) !== null, TARGET_FORM),
  ),
  tls: v.exactOptional(TlsSetting),
  token: v.exactOptional(v.picklist(TOKENS, `one of ${TOKENS.join(', ')}`)),
  provider: v.exactOptional(v.string('the id of a provider')),
  audience: v.exactOptional(v.pipe(v.string('text'), v.minLength(1, 'text that is not empty'))),
  scopes: v.exactOptional(
    v.array(
      v.pipe(v.string('scope names'), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'scope names (RFC 6749 §3.3)')),
      'a list of scope names',
    ),
  ),
  tokenType: v.exactOptional(v.picklist(TOKEN_TYPES, `one of ${TOKEN_TYPES.join(', ')}`)),
  claims: v.exactOptional(
    v.pipe(
      v.array(v.picklist(CLAIMS, CLAIM_FORM), CLAIM_FORM),
      v.check(list => distinct(list), CLAIM_FORM),
    ),
  ),
  tokenHeader: v.exactOptional(TokenHeaderSetting),
  host: v.exactOptional(v.picklist(HOSTS, `one of ${HOSTS.join(', ')}`)),
  methods: v.exactOptional(
    v.pipe(v.array(v.picklist(RELAYED_METHODS, METHOD_FORM), METHOD_FORM), v.minLength(1, METHOD_FORM)),
  ),
  requires: v.exactOptional(
    v.strictObject({
      signedIn: flag,
      roles: v.exactOptional(v.array(Role, 'roles')),
      maxAge: seconds(31_536_000),
      acr: v.exactOptional(v.picklist(ACR_VALUES, `one of ${ACR_VALUES.join(', ')}`)),
    }),
  ),
  strip: flag,
  timeouts: v.exactOptional(
    v.strictObject({
      connect: seconds(300),
      headers: seconds(3600),
      idle: seconds(86_400),
      websocketIdle: seconds(86_400),
    }),
  ),
  streamMaxSeconds: v.exactOptional(
    v.pipe(v.number(STREAM_MAX), v.safeInteger(STREAM_MAX), v.minValue(1, STREAM_MAX), v.maxValue(86_400, STREAM_MAX)),
  ),
  maxBodyBytes: bytes(0),
  maxHeaderBytes: bytes(1024),
  websocket: flag,
  document: flag,
  cookies: flag,
  encodedPaths: flag,
  dropHeaders: v.exactOptional(
    v.pipe(
      v.array(v.pipe(v.string(HEADER_FORM), v.regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, HEADER_FORM)), HEADER_FORM),
      v.maxLength(100, HEADER_FORM),
    ),
  ),
  redirectOrigins: v.exactOptional(
    v.pipe(
      v.array(v.string(ORIGIN_FORM), ORIGIN_FORM),
      v.check(list => list.every(origin => toOrigin(origin) === origin), ORIGIN_FORM),
    ),
  ),
  title: words(60),
  description: words(200),
  page: v.exactOptional(
    v.pipe(
      v.string(PAGE_FORM),
      v.check(
        value => /^\/(?![/\\])\S*$/.test(value) || (/^https?:\/\//i.test(value) && URL.canParse(value)),
        PAGE_FORM,
      ),
    ),
  ),
  icon: v.exactOptional(
    v.pipe(v.string('the name of an icon'), v.regex(/^[a-z0-9-]{1,40}$/, 'the name of an icon, such as package')),
  ),
})
export type UpstreamSetting = v.InferOutput<typeof UpstreamSetting>

export const Upstreams = v.pipe(
  v.array(UpstreamSetting, 'a list of upstreams'),
  v.check(list => distinct(list.map(upstream => upstream.name)), 'unique names'),
  v.check(list => distinct(list.map(prefixOf)), 'unique prefixes'),
  v.check(
    list => list.every(({ token = 'porchlight', tokenType }) => tokenType === undefined || token === 'porchlight'),
    "tokenType only with our own token (token: 'porchlight'): others have the type that their issuer chose",
  ),
  v.check(
    list => list.every(({ target, tls }) => tls === undefined || /^https:/i.test(target)),
    'tls only with an https target: a plain http connection has no certificates',
  ),
  v.check(
    list => list.every(({ token = 'porchlight', claims = [] }) => claims.length === 0 || token === 'porchlight'),
    "claims only with our own token (token: 'porchlight'): the issuer of another decides what it says",
  ),
  v.check(
    list => list.every(({ token, tokenHeader }) => tokenHeader === undefined || token !== 'none'),
    "tokenHeader only with a token (not token: 'none')",
  ),
  v.check(
    list =>
      list.every(
        upstream => !RESERVED.some(path => isUnder(prefixOf(upstream), path)) && prefixOf(upstream) !== '/api',
      ),
    `prefixes other than /api itself and ${RESERVED.join(', ')}`,
  ),
)

/**
 * Fills in every default. `tls` is read afterwards (resolve-tls.ts), since it may be in files.
 * @param streamMaxMs the maximum lifetime of its streams, unless it sets its own
 */
export function toUpstream(setting: UpstreamSetting, streamMaxMs: number): Upstream {
  const { name, requires = {}, timeouts = {} } = setting
  const token = setting.token ?? 'porchlight'
  return {
    name,
    prefix: prefixOf(setting),
    target: parseTarget(setting.target) ?? { origin: '', basePath: '' },
    tls: null,
    token,
    provider: setting.provider ?? null,
    audience: setting.audience ?? name,
    scopes: setting.scopes ?? [],
    tokenType: setting.tokenType ?? 'at+jwt',
    claims: setting.claims ?? [],
    tokenHeader: toTokenHeader(setting.tokenHeader),
    host: setting.host ?? 'target',
    methods: setting.methods ?? null,
    requires: {
      // A token identifies a user, so an upstream that takes one requires a session by default.
      signedIn: requires.signedIn ?? token !== 'none',
      roles: requires.roles ?? [],
      maxAgeMs: requires.maxAge === undefined ? null : requires.maxAge * SECOND,
      acr: requires.acr ?? null,
    },
    strip: setting.strip ?? true,
    timeouts: {
      connectMs: (timeouts.connect ?? 5) * SECOND,
      headersMs: (timeouts.headers ?? 60) * SECOND,
      idleMs: timeouts.idle === undefined ? 2 * MINUTE : timeouts.idle * SECOND,
      websocketIdleMs: timeouts.websocketIdle === undefined ? 10 * MINUTE : timeouts.websocketIdle * SECOND,
    },
    streamMaxMs: setting.streamMaxSeconds === undefined ? streamMaxMs : setting.streamMaxSeconds * SECOND,
    maxBodyBytes: setting.maxBodyBytes ?? null,
    maxHeaderBytes: setting.maxHeaderBytes ?? 32 * 1024,
    websocket: setting.websocket ?? false,
    document: setting.document ?? false,
    cookies: setting.cookies ?? false,
    encodedPaths: setting.encodedPaths ?? false,
    dropHeaders: setting.dropHeaders ?? [],
    redirectOrigins: setting.redirectOrigins ?? [],
    title: setting.title ?? name,
    description: setting.description ?? '',
    icon: setting.icon ?? null,
    page: setting.page ?? (setting.document ? `${prefixOf(setting)}/` : null),
  }
}

/** Fills in the provider whose token an upstream takes if there is only one. */
export function withProvider(upstream: Upstream, providers: readonly string[]): Upstream {
  const [only] = providers
  return takesProviderToken(upstream) && upstream.provider === null && only !== undefined && providers.length === 1
    ? { ...upstream, provider: only }
    : upstream
}

/** Tokens of the token API go where that API wants them, unless the upstream says otherwise. */
export function withTokenHeader(upstream: Upstream, tokenApi: { tokenHeader: TokenHeader | null } | null): Upstream {
  return upstream.token === 'provider' && upstream.provider === TOKEN_API && upstream.tokenHeader === null
    ? { ...upstream, tokenHeader: tokenApi?.tokenHeader ?? null }
    : upstream
}

/**
 * Checks the provider that an upstream names, or fails to name.
 * @returns what is wrong, or null
 */
export function judgeProvider(upstream: Upstream, providers: readonly string[]): string | null {
  const { name, token, provider } = upstream
  if (!takesProviderToken(upstream))
    return provider === null ? null : `no provider for "${name}", which does not use a provider's token`
  if (providers.length === 0) return `a configured provider, since "${name}" uses its token`
  if (provider === null || !providers.includes(provider))
    return `"${name}" to name the provider whose token it uses (token: '${token}'): one of ${providers.join(', ')}`
  return null
}

export function takesProviderToken({ token }: Pick<Upstream, 'token'>): boolean {
  return token === 'provider' || token === 'exchange'
}

function prefixOf({ name, prefix }: UpstreamSetting): string {
  return prefix ?? `/api/${name}`
}

function parseTarget(text: string): Upstream['target'] | null {
  if (!/^https?:\/\/[^\s\\?#@]+$/i.test(text) || !URL.canParse(text)) return null
  const { origin, pathname } = new URL(text)
  return { origin, basePath: pathname.replace(/\/+$/, '') }
}

function distinct(list: readonly string[]): boolean {
  return new Set(list).size === list.length
}
