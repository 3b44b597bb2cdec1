import { createHash } from 'node:crypto'
import { ASSETS_PREFIX } from '../request/path-family.ts'
import type { Reply } from '../response/reply.ts'
import { matchesEtag } from '../response/negotiation.ts'
import type { Step } from './pipeline.ts'

const CLIENT_PATH = `${ASSETS_PREFIX}client.js`

/**
 * The script that other front ends load to learn who is signed in. Its name is fixed, so browsers have to revalidate
 * it.
 * @param script always resolves to the same text, except in development
 */
export function serveClientScript(script: () => Promise<string>): Step {
  return ctx =>
    ctx.path === CLIENT_PATH ? script().then(text => reply(text, ctx.headers['if-none-match'])) : undefined
}

function reply(text: string, ifNoneMatch: string | undefined): Reply {
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
  const headers = ['ETag', etag, 'Cache-Control', 'no-cache']
  if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, etag)) return { status: 304, headers, body: null }
  return { status: 200, headers: [...headers, 'Content-Type', 'text/javascript; charset=utf-8'], body: text }
}
