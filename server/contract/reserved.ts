/**
 * Pages that are ours in every site mode: whichever front end is in use, signing in and everything around it stays
 * here.
 */
export const OWN_PAGES = [
  '/set-up',
  '/sign-in',
  '/sign-up',
  '/signed-out',
  '/forgot',
  '/reset',
  '/verify-email',
  '/restore-email',
  '/reauthenticate',
  '/second-factor',
  '/account',
  '/people',
]

/** Where a second factor is enrolled before anything else, if the site requires one. */
export const ENROLMENT_PAGE = '/second-factor/set-up'
/** Pages that people without a required second factor can open, too. */
export const PAGES_WITHOUT_ENROLMENT = [
  '/second-factor',
  '/reauthenticate',
  '/sign-in',
  '/signed-out',
  '/reset',
  '/forgot',
] as const

/** Prefixes that no upstream and no front end may take. `/api` is reserved too, but upstreams are mounted below it. */
export const RESERVED = ['/auth', '/_porchlight', '/.well-known', '/healthz', '/readyz', ...OWN_PAGES]

/**
 * Whether a path is ours to answer when another front end replaces our pages.
 * @param path raw; an escaped spelling of a reserved name is reserved, too, so that it cannot impersonate it
 * @param more further pages that are reserved
 */
export function isReserved(path: string, more: readonly string[] = []): boolean {
  const plain = path.includes('%') ? decoded(path) : path
  return isUnder(plain, '/api') || [...RESERVED, ...more].some(parent => isUnder(plain, parent))
}

export function isUnder(path: string, parent: string): boolean {
  return path.startsWith(parent) && (path.length === parent.length || path[parent.length] === '/')
}

/** @param target a path with an optional query */
export function isUnderAny(target: string, parents: readonly string[]): boolean {
  const path = target.replace(/[?#].*$/s, '')
  return parents.some(parent => isUnder(path, parent))
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
