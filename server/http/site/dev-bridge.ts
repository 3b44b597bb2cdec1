import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomId } from '../../base/ids.ts'
import { DEV_CONTEXT_HEADER, encodeDevContext, type SiteContext } from '../../contract/site-context.ts'
import type { RequestContext } from '../request/request-context.ts'
import { actAs } from '../steps/authenticate.ts'
import type { Step } from '../steps/pipeline.ts'

/**
 * Development only. Pages render in a worker there, so their context is passed in a header, and their calls come back
 * over HTTP. Neither can be forged: only we can set the header, and the key in a call back is random and only valid
 * during its page's request.
 */
export interface DevBridge {
  /** The policy of what is no rendered page: a loading screen, a shown error, developer tools. Null: as pages have it. */
  toolPolicy: string | null
  /** Adds the context to a request for the worker. */
  carry(page: RequestContext, incoming: IncomingMessage, outgoing: ServerResponse, context: SiteContext): void
  /** Authenticates calls back from the worker as the page's caller, and all others with `authenticate`. */
  authenticateOr(authenticate: Step): Step
}

/**
 * @param secret proves to the worker that a request comes from us
 * @param origin where the worker calls back
 * @param toolPolicy see `DevBridge`
 */
export function devBridge(secret: string, origin: string, toolPolicy: string | null = null): DevBridge {
  const pages = new Map<string, RequestContext>()

  return {
    toolPolicy,
    carry(page, incoming, outgoing, context) {
      const key = randomId()
      pages.set(key, page)
      outgoing.once('close', () => pages.delete(key))
      const header = encodeDevContext({ ...context, secret, key, origin })
      incoming.headers[DEV_CONTEXT_HEADER] = header
      incoming.rawHeaders.push(DEV_CONTEXT_HEADER, header)
    },
    authenticateOr: authenticate => ctx => {
      const key = ctx.headers[DEV_CONTEXT_HEADER]
      const page = typeof key === 'string' ? pages.get(key) : undefined
      if (page === undefined) return authenticate(ctx)
      actAs(ctx, page)
      return undefined
    },
  }
}
