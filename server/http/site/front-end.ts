import type { Clock } from '../../base/clock.ts'
import type { Site } from '../../config/site-settings.ts'
import type { Upstream } from '../../config/upstream-config.ts'
import { type FrontFolder, openFrontFolder } from './front-folder.ts'

/** Whose pages people see at `/` and everywhere that is not reserved: the setting `site`, made ready to serve. */
export type FrontEnd =
  | { kind: 'own'; serverRoutes: boolean }
  | { kind: 'static'; folder: FrontFolder; policy: string }
  /** @property policy null: the front end's own, where it sends one */
  | { kind: 'upstream'; upstream: Upstream; policy: string | null }

const COMMON =
  "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** Lets a plain Vite build run and nothing from elsewhere: no inline script, no other origin. */
export const STATIC_POLICY = `default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; ${COMMON}`

/**
 * For a front end that sends no policy. Dev servers and most frameworks that render on a server write scripts into
 * their pages; which of those are meant cannot be told from here.
 */
export const RENDERED_POLICY = `default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; ${COMMON}`

/** @throws OperatorError when the folder is no front end */
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
