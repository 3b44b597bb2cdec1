import { resolve } from 'node:path'
import * as v from 'valibot'
import { toOrigin } from './address.ts'
import type { Upstream } from './upstream-config.ts'
import { toUpstream } from './upstream-settings.ts'

const SITE_FORM =
  'either { static: a folder of built files } or { upstream: the address of a front end }, or { serverRoutes: true } for the built-in pages'
const FOLDER_FORM = 'the path of a folder that contains an index.html, such as ../shop/dist'
const UPSTREAM_FORM =
  'an address like http://127.0.0.1:5173: http or https, a host and perhaps a port, without path, query or user name'
const POLICY_FORM = "a Content-Security-Policy in one line, such as script-src 'self'"
const ORIGINS_FORM = 'origins like https://login.example.org'

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
      policy: v.exactOptional(v.pipe(v.string(POLICY_FORM), v.regex(/^[\x21-\x7e][\x20-\x7e]{0,3999}$/, POLICY_FORM))),
      sourceMaps: v.exactOptional(v.boolean('true or false')),
      serverRoutes: v.exactOptional(v.boolean('true or false')),
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
    site => [site.static, site.upstream, site.serverRoutes].filter(value => value !== undefined).length === 1,
    SITE_FORM,
  ),
  v.check(
    site => site.static !== undefined || site.sourceMaps === undefined,
    'sourceMaps only with static: an upstream decides what it serves',
  ),
  v.check(
    site => site.serverRoutes === undefined || site.policy === undefined,
    'policy only with static or upstream: the built-in pages have one with a nonce',
  ),
  v.check(
    site => site.upstream !== undefined || site.redirectOrigins === undefined,
    'redirectOrigins only with upstream: nothing else redirects',
  ),
)
export type SiteSetting = v.InferOutput<typeof SiteSetting>

/** Whose pages are served at `/` and everywhere that is not reserved. */
export type Site =
  /** @property serverRoutes whether Nuxt's server routes handle paths below `/api` that no upstream has */
  | { kind: 'own'; serverRoutes: boolean }
  /** @property policy the Content-Security-Policy of its pages; null: a default that suits a plain build */
  | { kind: 'static'; folder: string; sourceMaps: boolean; policy: string | null }
  /** @property policy null: the policy that it sends, or else a default that suits server-rendered pages */
  | { kind: 'upstream'; upstream: Upstream; policy: string | null }

/** Cannot collide with a configured upstream, whose name has no space and whose prefix is not empty. */
const FRONT_END = 'front end'

/** @param folder the folder that relative paths start from */
export function toSite(setting: SiteSetting | undefined, folder: string, publicUrl: string): Site {
  if (setting === undefined || setting.serverRoutes !== undefined)
    return { kind: 'own', serverRoutes: setting?.serverRoutes ?? false }
  const policy = setting.policy ?? null
  if (setting.static !== undefined)
    return { kind: 'static', folder: resolve(folder, setting.static), sourceMaps: setting.sourceMaps ?? false, policy }
  // Forwards everything except our cookies and tokens: to the front end, every request is anonymous.
  const upstream = toUpstream(
    {
      name: FRONT_END,
      prefix: '',
      target: toOrigin(setting.upstream ?? '') ?? '',
      token: 'none',
      websocket: true,
      document: true,
      cookies: true,
      encodedPaths: true,
      // A front end that knows its public address redirects to it.
      redirectOrigins: [publicUrl, ...(setting.redirectOrigins ?? [])],
    },
    Infinity,
  )
  return { kind: 'upstream', upstream, policy }
}
