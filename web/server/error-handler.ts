import { getRequestHeader, type H3Event, send, setResponseHeader, setResponseStatus } from 'h3'
import { findErrorContext } from '../../module/runtime/server/find-site-context'

/** Marks the error page's own request; the server drops it from a client's. */
const RENDERING = 'x-nuxt-error'

/**
 * Logs the failure and tells the client only that there was one: a message may name files or what was looked for
 * (ASVS 16.5.1). A person gets the error page, or a plain one if that fails as well; a script gets JSON.
 */
export default defineNitroErrorHandler(async (error, event) => {
  const context = findErrorContext(event)
  const status = error.statusCode >= 400 && error.statusCode <= 599 ? error.statusCode : 500
  // A prerendering build, without a visitor: it shows the status line and nothing else.
  if (context === null) return (setResponseStatus(event, 500, messageOf(error.cause ?? error)), send(event, ''))
  if (error.unhandled || status >= 500) context.report(error.cause ?? error)
  if (event.handled) return
  if (getRequestHeader(event, RENDERING) !== undefined) return answer(event, 500, [], '')
  const failure = { status, data: error.unhandled ? undefined : (error.data as unknown) }
  const page = wantsPage(event) ? await errorPage(event, failure.status) : null
  if (event.handled) return
  if (page !== null) return answer(event, status, ['Content-Type', 'text/html; charset=utf-8'], page)
  const { headers, body, ...plain } = context.fail(failure)
  return answer(event, plain.status, headers, body)
})

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Tells a person from a script as the server does. */
function wantsPage(event: H3Event): boolean {
  const mode = getRequestHeader(event, 'sec-fetch-mode')
  return mode === undefined ? (getRequestHeader(event, 'accept')?.includes('text/html') ?? false) : mode === 'navigate'
}

/** @returns null if what broke the page breaks the error page too */
async function errorPage(event: H3Event, statusCode: number): Promise<string | null> {
  const headers = { ...event.node.req.headers, [RENDERING]: 'true' } as HeadersInit
  const query = new URLSearchParams({ statusCode: String(statusCode), url: event.path })
  const rendered = await useNitroApp()
    .localFetch(`/__nuxt_error?${query}`, { headers, redirect: 'manual' })
    .catch(() => null)
  return (await rendered?.text()) || null
}

/** The server adds its own headers. */
async function answer(event: H3Event, status: number, headers: readonly string[], body: string): Promise<void> {
  setResponseStatus(event, status)
  for (let i = 0; i + 1 < headers.length; i += 2) setResponseHeader(event, headers[i] ?? '', headers[i + 1] ?? '')
  await send(event, body)
}
