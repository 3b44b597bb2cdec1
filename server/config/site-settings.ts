import { resolve } from 'node:path'
import * as v from 'valibot'
import { toOrigin } from './address.ts'
import { HeadersSetting, type SiteHeader, toSiteHeaders } from './header-settings.ts'
import { judgeNoncePolicy, judgeRenderedPolicy, PolicySetting } from './policy-setting.ts'
import { knowsCallers, type Upstream } from './upstream-config.ts'
import { toUpstream, UpstreamSetting } from './upstream-settings.ts'

const SITE_FORM =
  'at most one of { static: a folder of built files } and { upstream: the address of a front end }; without them, settings of the built-in pages such as { serverRoutes: true }'
const FOLDER_FORM = 'the path of a folder that contains an index.html, such as ../shop/dist'
const UPSTREAM_FORM =
  'an address like http://127.0.0.1:5173: http or https, a host and perhaps a port, without path, query or user name'
const ORIGINS_FORM = 'origins like https://login.example.org'
const TOKEN_FORM = 'porchlight or none: other tokens are for APIs'

/** The audience of the tokens for a front end, unless the setting names one. */
const AUDIENCE = 'site'

/** The setting `site`, as an operator writes it. */
export const SiteSetting = v.pipe(
  v.strictObject(
    {
      static: v.exactOptional(v.pipe(v.string(FOLDER_FORM), v.minLength(1, FOLDER_FORM))),
      upstream: v.exactOptional(
        v.pipe(
          v.string(UPSTREAM_FORM),
          v.check(value => toOrigin(value) !== null, UPSTREAM_FORM),
        ),
      ),
      policy: v.exactOptional(PolicySetting),
      headers: v.exactOptional(HeadersSetting),
      sourceMaps: v.exactOptional(v.boolean('true or false')),
      serverRoutes: v.exactOptional(v.boolean('true or false')),
      token: v.exactOptional(v.picklist(['porchlight', 'none'], TOKEN_FORM)),
      audience: UpstreamSetting.entries.audience,
      claims: UpstreamSetting.entries.claims,
      tokenType: UpstreamSetting.entries.tokenType,
      tls: UpstreamSetting.entries.tls,
      requires: UpstreamSetting.entries.requires,
      host: UpstreamSetting.entries.host,
      redirectOrigins: v.exactOptional(
        v.pipe(
          v.array(v.string(ORIGINS_FORM), ORIGINS_FORM),
          v.check(list => list.every(origin => toOrigin(origin) === origin), ORIGINS_FORM),
        ),
      ),
    },
    SITE_FORM,
  ),
  v.check(
    site => Object.keys(site).length > 0 && !(site.static !== undefined && site.upstream !== undefined),
    SITE_FORM,
  ),
  v.check(
    site => site.static !== undefined || site.sourceMaps === undefined,
    'sourceMaps only with static: an upstream decides what it serves',
  ),
  v.check(
    site => site.static === undefined || site.serverRoutes === undefined,
    'serverRoutes only without static: built files answer no calls',
  ),
  v.check(
    ({ upstream, token, audience, requires, host, redirectOrigins }) =>
      upstream !== undefined || [token, audience, requires, host, redirectOrigins].every(value => value === undefined),
    'token, audience, requires, host and redirectOrigins only with upstream',
  ),
  v.check(
    ({ upstream, tls }) => tls === undefined || /^https:/i.test(upstream ?? ''),
    'tls only with an https upstream: a plain http connection has no certificates',
  ),
  v.check(
    ({ token, audience, claims, tokenType }) =>
      token === 'porchlight' || [audience, claims, tokenType].every(value => value === undefined),
    "audience, claims and tokenType only with token: 'porchlight', which they describe",
  ),
  v.rawCheck(({ dataset: { value, typed }, addIssue }) => {
    if (!typed || value.policy === undefined || value.static !== undefined) return
    const wrong = (value.upstream === undefined ? judgeNoncePolicy : judgeRenderedPolicy)(value.policy)
    if (wrong === null) return
    const path = { type: 'object', origin: 'value', input: value, key: 'policy', value: value.policy } as const
    addIssue({ message: wrong, input: value.policy, path: [path] })
  }),
)
export type SiteSetting = v.InferOutput<typeof SiteSetting>

/** What every kind of site has. */
interface Common {
  /** A whole Content-Security-Policy, or sources to add; null: the pages' own. */
  policy: PolicySetting | null
  /** Replace ours of the same name, and the front end's. */
  headers: readonly SiteHeader[]
}

/** Whose pages are served at `/` and everywhere that is not reserved. */
export type Site = Common &
  (
    | /** @property serverRoutes whether Nuxt's server routes handle paths below `/api` that no upstream has */
      { kind: 'own'; serverRoutes: boolean }
    | { kind: 'static'; folder: string; sourceMaps: boolean }
    /** @property serverRoutes whether it receives paths below `/api` that no upstream has */
    | { kind: 'upstream'; upstream: Upstream; serverRoutes: boolean }
  )

/** Our own pages, as they are. */
export const OWN_SITE = { kind: 'own', serverRoutes: false, policy: null, headers: [] } as const satisfies Site

/** Cannot collide with a configured upstream, whose name has no space and whose prefix is not empty. */
const FRONT_END = 'front end'

/**
 * @param folder the folder that relative paths start from
 * @param streamMaxMs the maximum lifetime of a stream that carries somebody's token
 */
export function toSite(setting: SiteSetting | undefined, folder: string, publicUrl: string, streamMaxMs: number): Site {
  if (setting === undefined) return OWN_SITE
  const common: Common = { policy: setting.policy ?? null, headers: toSiteHeaders(setting.headers) }
  const serverRoutes = setting.serverRoutes ?? false
  if (setting.static !== undefined)
    return {
      kind: 'static',
      folder: resolve(folder, setting.static),
      sourceMaps: setting.sourceMaps ?? false,
      ...common,
    }
  if (setting.upstream === undefined) return { kind: 'own', serverRoutes, ...common }
  return { kind: 'upstream', upstream: toFrontEnd(setting, publicUrl, streamMaxMs), serverRoutes, ...common }
}

function toFrontEnd(setting: SiteSetting, publicUrl: string, streamMaxMs: number): Upstream {
  const token = setting.token ?? 'none'
  const upstream = toUpstream(
    {
      name: FRONT_END,
      prefix: '',
      target: toOrigin(setting.upstream ?? '') ?? '',
      token,
      audience: setting.audience ?? AUDIENCE,
      claims: setting.claims ?? [],
      tokenType: setting.tokenType ?? 'at+jwt',
      // Anonymous visitors get its pages, too, unless it says otherwise.
      requires: { signedIn: false, ...setting.requires },
      host: setting.host ?? 'target',
      websocket: true,
      document: true,
      cookies: true,
      encodedPaths: true,
      // A front end that knows its public address redirects to it.
      redirectOrigins: [publicUrl, ...(setting.redirectOrigins ?? [])],
    },
    streamMaxMs,
  )
  // Without an identity there is nothing to outlive: the hot reload of a dev server stays connected.
  return knowsCallers(upstream) ? upstream : { ...upstream, streamMaxMs: Infinity }
}
