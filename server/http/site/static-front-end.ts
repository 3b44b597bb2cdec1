import { getMimeType } from 'hono/utils/mime'
import { Problem } from '../../base/problem.ts'
import { isReserved } from '../../contract/reserved.ts'
import type { Family } from '../request/path-family.ts'
import type { RequestContext } from '../request/request-context.ts'
import { fileReply } from '../response/file-reply.ts'
import type { FrontEnd, StaticFiles } from './front-end.ts'
import type { FrontFile, FrontFolder } from './front-folder.ts'
import { NO_INLINE } from './inline-cache.ts'
import type { Reply } from '../response/reply.ts'
import { chooseCoding, CODINGS } from '../response/negotiation.ts'
import type { Step } from '../steps/pipeline.ts'

interface Served extends StaticFiles {
  /** The paths that can be the folder's. */
  families: readonly Family[]
  /** Whether paths that it does not have are its own, too; otherwise an application renders them. */
  whole: boolean
}

/** Names that Vite, for itself or for Nuxt or Astro, derives from a hash of the content, which therefore never changes. */
const HASHED =
  /^\/(?:.*\/)?(?:assets|_nuxt|_astro)\/(?:.*\/)?(?:[^/]*[-.])?(?=[\w-]*[a-z])(?=[\w-]*[\dA-Z_-])[\w-]{8}\.\w+$/
/** Folders whose whole content SvelteKit and Next name that way. */
const IMMUTABLE_FOLDERS = /^\/(?:.*\/)?(?:_app\/immutable|_next\/static)\//
const IMMUTABLE = 'public, max-age=31536000, immutable'
const REVALIDATE = 'no-cache'
/** A path with a file extension is not a page of the application, even if the file is missing. */
const FILE_NAME = /\.[a-z][a-z\d]{0,9}$/i

/**
 * Serves a folder of built files in place of our pages. Files are served before authentication and pages after it, so
 * that loading a page refreshes the session and loading an image does not.
 */
export function staticFrontEnd(front: FrontEnd, reserved: readonly string[]): { files: Step; pages: Step } {
  const served = servedBy(front)
  if (served === null) return { files: () => undefined, pages: () => undefined }
  return {
    files: async ctx => {
      const path = pathFor(ctx, served, reserved)
      if (path === null || isPage(path)) return undefined
      const file = await served.folder.find(path)
      return file === null ? undefined : answer(served, { file, status: 200 }, ctx)
    },
    pages: async ctx => {
      const path = pathFor(ctx, served, reserved)
      if (path === null) return undefined
      const page = await pageFor(served, path, ctx)
      if (page !== null) return answer(served, page, ctx)
      if (served.whole) throw new Problem('not_found')
      return undefined
    },
  }
}

function servedBy(front: FrontEnd): Served | null {
  // What Nuxt keeps for itself in our pages (`/__nuxt…`) is its own in others, too.
  if (front.kind === 'static') return { ...front, families: ['site', 'assets'], whole: true }
  return front.kind === 'app' && front.files !== null ? { ...front.files, families: ['app'], whole: false } : null
}

/** @returns the decoded path, or null if it does not belong to the front end */
function pathFor(ctx: RequestContext, { families, whole }: Served, reserved: readonly string[]): string | null {
  const { family, path, method, upgrade } = ctx
  if (!families.includes(family) || upgrade || (method !== 'GET' && method !== 'HEAD')) return null
  if (whole && isReserved(path, reserved)) return null
  // path-guard has ensured that it can be decoded.
  return path.includes('%') ? decodeURIComponent(path) : path
}

function isImmutable(path: string): boolean {
  return HASHED.test(path) || IMMUTABLE_FOLDERS.test(path)
}

function isPage(path: string): boolean {
  return path.endsWith('/') || path.endsWith('.html')
}

/** @property status 404: the page says that there is none at this path */
interface FoundPage {
  file: FrontFile
  status: 200 | 404
}

/**
 * The page at a path, in any of the forms that builds write, or else what stands in for it. The latter is for
 * navigations only: a script that requests data must not mistake it for a response.
 */
async function pageFor({ folder, whole }: Served, path: string, ctx: RequestContext): Promise<FoundPage | null> {
  const named = path.endsWith('/')
    ? [`${path}index.html`]
    : isPage(path)
      ? [path]
      : FILE_NAME.test(path)
        ? []
        : [`${path}.html`, `${path}/index.html`]
  for (const candidate of named) {
    const file = await folder.find(candidate)
    if (file !== null) return { file, status: 200 }
  }
  return whole && ctx.navigation ? standIn(folder, !FILE_NAME.test(path)) : null
}

/**
 * As static hosts have it: `200.html` is for every path of an application that routes on the client, `404.html` is what
 * a site of many pages says instead, and without either, the index is such an application.
 */
async function standIn(folder: FrontFolder, mayBePage: boolean): Promise<FoundPage | null> {
  const application = mayBePage ? await folder.find('/200.html') : null
  if (application !== null) return { file: application, status: 200 }
  const missing = await folder.find('/404.html')
  if (missing !== null) return { file: missing, status: 404 }
  const index = mayBePage ? await folder.find('/index.html') : null
  return index === null ? null : { file: index, status: 200 }
}

async function answer(front: Served, { file, status }: FoundPage, ctx: RequestContext): Promise<Reply> {
  // A static page is the same for everyone and reflects nothing of the request, so compressing it is safe (decision
  // 017).
  const made = file.codings.length === 0 && isPage(file.path)
  const codings = made ? CODINGS : file.codings
  // Ranges refer to the uncompressed file.
  const coding = ctx.headers.range === undefined ? chooseCoding(ctx.headers['accept-encoding'], codings) : null
  const handle = await front.folder.open(file, made ? null : coding)
  if (handle === null) throw new Problem('not_found')
  ctx.ofSite = true
  const headers = [
    'Content-Type',
    getMimeType(file.path) ?? 'application/octet-stream',
    'Cache-Control',
    isImmutable(file.path) ? IMMUTABLE : REVALIDATE,
    // On files too: a worker uses its own script's policy, and an image can be opened as a page.
    'Content-Security-Policy',
    front.policy(isPage(file.path) ? await front.inline.of(file.path, handle, made ? null : coding) : NO_INLINE),
  ]
  if (codings.length > 0) headers.push('Vary', 'Accept-Encoding')
  if (coding !== null) headers.push('Content-Encoding', coding)
  return fileReply(ctx, handle, headers, {
    status,
    whole: coding !== null,
    compress: made ? coding : null,
  })
}
