import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import { OperatorError } from '../../base/operator-error.ts'
import type { Log } from '../../base/log.ts'
import { INLINE_SCRIPTS, type PolicySetting } from '../../config/policy-setting.ts'
import type { SiteHeader } from '../../config/header-settings.ts'
import type { Site } from '../../config/site-settings.ts'
import type { Upstream } from '../../config/upstream-config.ts'
import type { DevBridge } from './dev-bridge.ts'
import { type InlineSources, policyOf } from '../response/page-policy.ts'
import { type FrontFolder, openFrontFolder } from './front-folder.ts'
import { createInlineCache, type InlineCache } from './inline-cache.ts'
import type { SiteListener } from './site-handler.ts'

/** Whose pages are served at `/` and everywhere that is not reserved: the setting `site`, ready to use. */
export type FrontEnd = { headers: readonly SiteHeader[] } & (
  | { kind: 'own'; serverRoutes: boolean; policy: PolicySetting | null }
  | ({ kind: 'static' } & StaticFiles)
  | { kind: 'upstream'; upstream: Upstream; serverRoutes: boolean; policy: PolicySetting | null }
  | ({ kind: 'app'; files: StaticFiles | null; policy: PolicySetting | null } & AppFrontEnd)
)

export interface StaticFiles {
  folder: FrontFolder
  inline: InlineCache
  policy: (inline: InlineSources) => string
}

/** An application that renders in this process: it answers everything that is neither reserved nor an upstream's. */
export interface AppFrontEnd {
  /** Always resolves to the same listener. */
  listener: () => Promise<SiteListener>
  /** The folder of its built files and prerendered pages; null: in development it serves them itself. */
  publicFolder: string | null
  /** Of as many bytes as a nonce; null: it keeps no page for everybody. */
  sharedNonce: string | null
  /** Takes a WebSocket that no upstream has; null: it has none. */
  upgrade: ((incoming: IncomingMessage, socket: Duplex, head: Buffer) => unknown) | null
  /** Null: the built application, which renders in this process. */
  development: DevBridge | null
}

const COMMON =
  "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** Allows a static build to run, with the inline scripts that its pages have and no other origins. */
export const STATIC_POLICY = `default-src 'self'; script-src 'self' ${INLINE_SCRIPTS}; style-src 'self' 'unsafe-inline'; ${COMMON}`

/**
 * For a front end that sends no policy. Inline scripts are allowed, because dev servers and most server-side frameworks
 * use them and intended ones cannot be told from others here.
 */
export const RENDERED_POLICY = `default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; ${COMMON}`

/** @throws OperatorError if the folder contains no front end */
export async function openFrontEnd(site: Site, clock: Clock, log: Log): Promise<FrontEnd> {
  switch (site.kind) {
    case 'own':
      return site
    case 'upstream':
      return site
    case 'static':
      return {
        kind: 'static',
        folder: await openFrontFolder({ root: site.folder, sourceMaps: site.sourceMaps, clock }),
        inline: createInlineCache(log),
        policy: policyOf(STATIC_POLICY, site.policy),
        headers: site.headers,
      }
    default:
      return site satisfies never
  }
}

/** @throws OperatorError if the settings name another front end */
export async function openApp(
  app: AppFrontEnd,
  { kind, policy, headers }: Site,
  clock: Clock,
  log: Log,
): Promise<FrontEnd> {
  if (kind !== 'own')
    throw new OperatorError('The setting "site" names a front end, but this application is the front end.', [
      'Remove `static` or `upstream` from it.',
    ])
  const root = app.publicFolder
  const files =
    root === null
      ? null
      : {
          folder: await openFrontFolder({ root, sourceMaps: false, clock, index: null }),
          inline: createInlineCache(log),
          policy: policyOf(STATIC_POLICY, policy),
        }
  return { ...app, kind: 'app', files, policy, headers }
}
