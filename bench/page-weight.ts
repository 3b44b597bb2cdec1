import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** JavaScript that the sign-in page may load, gzipped, in bytes, in any language. */
export const SIGN_IN_BUDGET = 100_000

/** The scripts that a page's HTML makes the browser load at once: its module scripts and what they import. */
export function scriptsOf(html: string): string[] {
  const tags = html.match(/<(?:script|link)\b[^>]*>/g) ?? []
  const loaded = tags.filter(tag => tag.startsWith('<script') || /rel="?modulepreload/.test(tag))
  return [
    ...new Set(loaded.map(tag => /(?:src|href)="([^"]+\.m?js)"/.exec(tag)?.[1]).filter(path => path !== undefined)),
  ]
}

/**
 * @param root the folder of the built public files
 * @returns bytes after gzip
 */
export function gzipSize(root: string, paths: readonly string[]): number {
  return paths
    .map(path => gzipSync(readFileSync(join(root, path)), { level: 9 }).length)
    .reduce((sum, size) => sum + size, 0)
}
