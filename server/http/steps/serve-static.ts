import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../../base/problem.ts'
import type { RequestContext } from '../request/request-context.ts'
import { ASSETS_PREFIX } from '../request/path-family.ts'
import { chooseCoding, type Coding, matchesEtag } from '../response/negotiation.ts'
import { problemReply } from '../response/problem-reply.ts'
import type { Reply } from '../response/reply.ts'

/** A file of the built site, as site-build/build-site.ts listed it. */
export interface StaticFile {
  /** As requested, decoded: `/favicon.svg`. */
  path: string
  type: string
  /** A strong validator: the hash of the content. */
  etag: string
  /** The codings of its precompressed copies. */
  encodings: Coding[]
}

const SUFFIX = { br: '.br', gzip: '.gz' } as const
/** Names below the assets folder contain a hash of the content, which therefore never changes. */
const IMMUTABLE = 'public, max-age=31536000, immutable'
const REVALIDATE = 'public, max-age=0, must-revalidate'

/** The files of a built site. */
export interface StaticSite {
  root: string
  files: readonly StaticFile[]
}

/**
 * Serves what the build listed and nothing else: request paths are only looked up in that list, so none can leave the
 * folder.
 * @param site null: in development, files are created on demand
 * @param ownPages whether files outside of the assets folder are ours, such as `/favicon.ico`
 */
export function serveStatic(site: StaticSite | null, ownPages: boolean) {
  if (site === null) return () => undefined
  const { root, files } = site
  const byPath = new Map(
    files.filter(({ path }) => ownPages || path.startsWith(ASSETS_PREFIX)).map(file => [file.path, file]),
  )
  return (ctx: RequestContext): Reply | undefined | Promise<Reply> => {
    if (ctx.family !== 'assets' && ctx.family !== 'site') return undefined
    const file = byPath.get(ctx.path) ?? (ctx.path.includes('%') ? byPath.get(decodeURIComponent(ctx.path)) : undefined)
    if (file !== undefined) return answer(root, file, ctx)
    return ctx.family === 'assets' ? problemReply(ctx, new Problem('not_found')) : undefined
  }
}

async function answer(root: string, file: StaticFile, ctx: RequestContext): Promise<Reply> {
  const encoding = chooseCoding(ctx.headers['accept-encoding'], file.encodings)
  // A compressed copy is another representation, which a strong validator has to distinguish (RFC 9110 §8.8.3.3).
  const etag = encoding === null ? `"${file.etag}"` : `"${file.etag}-${encoding}"`
  const headers = [
    'ETag',
    etag,
    'Cache-Control',
    file.path.startsWith(ASSETS_PREFIX) ? IMMUTABLE : REVALIDATE,
    'Vary',
    'Accept-Encoding',
  ]
  const known = ctx.headers['if-none-match']
  if (known !== undefined && matchesEtag(known, etag)) return { status: 304, headers, body: null }
  headers.push('Content-Type', file.type)
  if (encoding !== null) headers.push('Content-Encoding', encoding)
  try {
    return {
      status: 200,
      headers,
      body: await readFile(join(root, file.path) + (encoding === null ? '' : SUFFIX[encoding])),
    }
  } catch (cause) {
    // The site was rebuilt while the server is running.
    throw new Problem('not_found', {}, cause)
  }
}
