import type { Clock } from '../../base/clock.ts'
import type { Site } from '../../config/site-settings.ts'
import type { Upstream } from '../../config/upstream-config.ts'
import { type FrontFolder, openFrontFolder } from './front-folder.ts'

/** Whose pages are served at `/` and everywhere that is not reserved: the setting `site`, ready to use. */
export type FrontEnd =
  | { kind: 'own'; serverRoutes: boolean }
  | { kind: 'static'; folder: FrontFolder; policy: string }
  /** @property policy null: the front end's own, if it sends one */
  | { kind: 'upstream'; upstream: Upstream; policy: string | null }

const COMMON =
  "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** Allows a plain Vite build to run, with no inline scripts and no other origins. */
export const STATIC_POLICY = `default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; ${COMMON}`

/**
 * For a front end that sends no policy. Inline scripts are allowed, because dev servers and most server-side frameworks
 * use them and intended ones cannot be told from others here.
 */
export const RENDERED_POLICY = `default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; ${COMMON}`

/** @throws OperatorError if the folder contains no front end */
export async function openFrontEnd(site: Site, clock: Clock): Promise<FrontEnd> {
  switch (site.kind) {
    case 'own':
      return site
    case 'upstream':
      return site
    case 'static':
      return {
        kind: 'static',
        folder: await openFrontFolder({ root: site.folder, sourceMaps: site.sourceMaps, clock }),
        policy: site.policy ?? STATIC_POLICY,
      }
    default:
      return site satisfies never
  }
}
