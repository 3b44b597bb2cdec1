import { appendResponseHeader, getRequestHeader, type H3Event } from 'h3'
import {
  decodeDevContext,
  DEV_CONTEXT_HEADER,
  DEV_SECRET_VARIABLE,
  type SiteContext,
} from '../../../server/contract/site-context.ts'

/**
 * In development, pages render in a worker: the context arrives in a header that only our server can make, and calls go
 * back to the server over HTTP. Not part of a build.
 */
export function developmentContext(event: H3Event): SiteContext | null {
  const header = getRequestHeader(event, DEV_CONTEXT_HEADER)
  const secret = process.env[DEV_SECRET_VARIABLE]
  if (header === undefined || secret === undefined) return null
  const { secret: sent, key, origin, ...data } = decodeDevContext(header)
  if (sent !== secret) return null
  return {
    ...data,
    fetch: (path, init) =>
      fetch(new URL(path, origin), {
        ...init,
        headers: { ...Object.fromEntries(new Headers(init?.headers)), [DEV_CONTEXT_HEADER]: key },
      }),
    setCookie: value => appendResponseHeader(event, 'set-cookie', value),
    // eslint-disable-next-line no-console -- the worker has no other log
    report: error => console.error(error),
    fail: ({ status }) => ({ status, headers: ['Content-Type', 'text/plain; charset=utf-8'], body: String(status) }),
  }
}
