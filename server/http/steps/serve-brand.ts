import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { BrandFile } from '../brand/present-brand.ts'
import { ASSETS_PREFIX } from '../request/path-family.ts'
import { chooseCoding, type Coding } from '../response/negotiation.ts'
import type { Step } from './pipeline.ts'

/** As an image an SVG runs no script anyway; opened as a page it must not either, and it loads nothing. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
const IMMUTABLE = 'public, max-age=31536000, immutable'
/** Browsers ask for `/favicon.ico` by that name whatever the brand is today. */
const FOR_A_DAY = 'public, max-age=86400'

/** Serves the logo, the icons and the manifest of the brand from memory. */
export function serveBrand(files: ReadonlyMap<string, BrandFile>): Step {
  const replies = new Map([...files].map(([path, file]) => [path, repliesOf(path, file)]))
  return ctx => {
    if (ctx.family !== 'assets' && ctx.family !== 'site') return undefined
    const copies = replies.get(ctx.path)
    if (copies === undefined) return undefined
    const { headers, bodies } = copies
    const coding = chooseCoding(ctx.headers['accept-encoding'], bodies.br === undefined ? [] : ['br', 'gzip'])
    return {
      status: 200,
      headers: coding === null ? headers : [...headers, 'Content-Encoding', coding],
      body: bodies[coding ?? 'identity'] ?? null,
    }
  }
}

function repliesOf(path: string, { type, content }: BrandFile) {
  const isText = type !== 'image/png'
  const headers = [
    'Content-Type',
    type,
    'Cache-Control',
    path.startsWith(ASSETS_PREFIX) ? IMMUTABLE : FOR_A_DAY,
    'Content-Security-Policy',
    POLICY,
    ...(isText ? ['Vary', 'Accept-Encoding'] : []),
  ]
  const bodies: Partial<Record<Coding | 'identity', Buffer>> = { identity: content }
  if (isText) Object.assign(bodies, { br: brotliCompressSync(content), gzip: gzipSync(content) })
  return { headers, bodies }
}
