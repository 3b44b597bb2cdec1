/**
 * Pages that are ours in every mode of the site: whatever front end people see, signing in and what belongs to it stays
 * here.
 */
const PAGES = ['/set-up', '/sign-in', '/sign-up', '/signed-out', '/reset', '/account', '/people', '/proof']

/**
 * Paths whose whole tree no upstream and no front end may take. `/api` is reserved too, but upstreams live below it.
 */
export const RESERVED = ['/auth', '/_porchlight', '/.well-known', '/healthz', '/readyz', ...PAGES]

/**
 * Whether a path is ours to answer where another front end has taken our pages' place.
 * @param path raw; an escaped spelling of one of our names is ours, too, so that it cannot be taken for it
 */
export function isReserved(path: string): boolean {
  const plain = path.includes('%') ? decoded(path) : path
  return isUnder(plain, '/api') || RESERVED.some(parent => isUnder(plain, parent))
}

export function isUnder(path: string, parent: string): boolean {
  return path.startsWith(parent) && (path.length === parent.length || path[parent.length] === '/')
}

/** @param target a path, with a query or without one */
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
