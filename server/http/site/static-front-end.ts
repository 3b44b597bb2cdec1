import { getMimeType } from 'hono/utils/mime'
import { Problem } from '../../base/problem.ts'
import { isReserved } from '../../contract/reserved.ts'
import type { RequestContext } from '../request/request-context.ts'
import { fileReply } from '../response/file-reply.ts'
import type { FrontEnd } from './front-end.ts'
import type { FrontFile } from './front-folder.ts'
import type { Reply } from '../response/reply.ts'
import { chooseCoding, CODINGS } from '../response/negotiation.ts'
import type { Step } from '../steps/pipeline.ts'

type StaticFront = Extract<FrontEnd, { kind: 'static' }>

/** What Vite names by a hash of the content: what such a name means never changes. */
const HASHED = /\/assets\/(?:.*\/)?[^/]*[-.](?=[\w-]*[a-z])(?=[\w-]*[\dA-Z_-])[\w-]{8}\.\w+$/
const IMMUTABLE = 'public, max-age=31536000, immutable'
const REVALIDATE = 'no-cache'
/** A name with an ending is a file's, and a file that is missing is no page of the application. */
const FILE_NAME = /\.[a-z][a-z\d]{0,9}$/i

/**
 * A folder of built files in our pages' place. Files come before anybody looks at cookies and pages after, so that
 * opening a page renews the session and loading a picture does not.
 */
export function staticFrontEnd(front: FrontEnd): { files: Step; pages: Step } {
  if (front.kind !== 'static') return { files: () => undefined, pages: () => undefined }
  return {
    files: async ctx => {
      const path = pathFor(ctx)
      if (path === null || isPage(path)) return undefined
      const file = await front.folder.find(path)
      return file === null ? undefined : answer(front, file, ctx)
    },
    pages: async ctx => {
      const path = pathFor(ctx)
      if (path === null) return undefined
      const file = await pageFor(front, path, ctx)
      if (file === null) throw new Problem('not_found')
      return answer(front, file, ctx)
    },
  }
}

/** @returns the decoded path, or null for what is not the front end's */
function pathFor({ family, path, upgrade }: RequestContext): string | null {
  if (family !== 'site' || upgrade || isReserved(path)) return null
  // path-guard has seen to it that it can be decoded.
  return path.includes('%') ? decodeURIComponent(path) : path
}

function isPage(path: string): boolean {
  return path.endsWith('/') || path.endsWith('.html')
}

/**
 * The page at that path, in any of the forms in which builds write one; else the application's own, which knows more
 * paths than there are files. It is for people who navigate only: a script that asks for data must not take it for an
 * answer.
 */
async function pageFor({ folder }: StaticFront, path: string, ctx: RequestContext): Promise<FrontFile | null> {
  const named = path.endsWith('/')
    ? [`${path}index.html`]
    : isPage(path)
      ? [path]
      : FILE_NAME.test(path)
        ? []
        : [`${path}.html`, `${path}/index.html`]
  for (const candidate of named) {
    const file = await folder.find(candidate)
    if (file !== null) return file
  }
  return ctx.navigation && !FILE_NAME.test(path) ? folder.find('/index.html') : null
}

async function answer(front: StaticFront, file: FrontFile, ctx: RequestContext): Promise<Reply> {
  // A page is the same for everybody and repeats nothing of what was asked, so compressing it betrays nothing (decision
  // 017).
  const made = file.codings.length === 0 && isPage(file.path)
  const codings = made ? CODINGS : file.codings
  // Whoever wants a part wants it of the file itself.
  const coding = ctx.headers.range === undefined ? chooseCoding(ctx.headers['accept-encoding'], codings) : null
  const handle = await front.folder.open(file, made ? null : coding)
  if (handle === null) throw new Problem('not_found')
  const headers = [
    'Content-Type',
    getMimeType(file.path) ?? 'application/octet-stream',
    'Cache-Control',
    HASHED.test(file.path) ? IMMUTABLE : REVALIDATE,
    // On files too: a worker lives by the policy of its own script, and a picture can be opened as a page.
    'Content-Security-Policy',
    front.policy,
  ]
  if (codings.length > 0) headers.push('Vary', 'Accept-Encoding')
  if (coding !== null) headers.push('Content-Encoding', coding)
  return fileReply(ctx, handle, headers, { whole: coding !== null, compress: made ? coding : null })
}
