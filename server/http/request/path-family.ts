import { isReserved } from '../../contract/reserved.ts'

/**
 * The set of rules that applies to a path. Determined once, from the raw bytes of the target. `site`: pages, or an
 * application's files in their place · `front`: a front end as an upstream · `app`: an application in this process
 */
export type Family = 'health' | 'well_known' | 'assets' | 'auth' | 'api' | 'site' | 'front' | 'app'

/** Nuxt's `app.buildAssetsDir`, named so that it cannot collide with another front end's files. */
export const ASSETS_PREFIX = '/_porchlight/'
/**
 * Paths that Nuxt requests in-process. From outside they are blocked, because its error page would show one of Nuxt's
 * own templates.
 */
const NUXT_PREFIX = '/__nuxt'
const NUXT_ERROR = '/__nuxt_error'

export function familyOf(path: string): Family {
  switch (path.charCodeAt(1)) {
    case 0x61: // a
      if (under(path, '/auth')) return 'auth'
      if (under(path, '/api')) return 'api'
      return 'site'
    case 0x5f: // _
      return path.startsWith(ASSETS_PREFIX) || path.startsWith(NUXT_PREFIX) ? 'assets' : 'site'
    case 0x2e: // .
      return under(path, '/.well-known') ? 'well_known' : 'site'
    case 0x68: // h
      return path === '/healthz' ? 'health' : 'site'
    case 0x72: // r
      return path === '/readyz' ? 'health' : 'site'
    default:
      return 'site'
  }
}

/** Where an application renders in this process: it has everything but what is reserved and its own error template. */
export function familyBesideApp(reserved: readonly string[]): (path: string) => Family {
  return path => {
    const family = familyOf(path)
    if (family === 'api') return 'app'
    if (family === 'site') return isReserved(path, reserved) ? 'site' : 'app'
    return family === 'assets' && path.startsWith(NUXT_PREFIX) && !path.startsWith(NUXT_ERROR) ? 'app' : family
  }
}

function under(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f)
}
