import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomId } from '../../base/ids.ts'
import { DEV_CONTEXT_HEADER, encodeDevContext, type SiteContext } from '../../contract/site-context.ts'
import type { RequestContext } from '../request/request-context.ts'
import { standFor } from '../steps/authenticate.ts'
import type { Step } from '../steps/pipeline.ts'

/**
 * Development only. Pages render in a worker there, so their context crosses in a header, and their calls come back to
 * us over HTTP. Neither can be forged: the header is ours alone to set, and the key in a call back is random and lives
 * as long as its page's request.
 */
export interface DevBridge {
  /** Puts the context on a request that goes to the worker. */
  carry(page: RequestContext, incoming: IncomingMessage, outgoing: ServerResponse, context: SiteContext): void
  /** Lets calls back from the worker stand for the page's caller; everybody else goes through `identify`. */
  identifyOr(identify: Step): Step
}

/**
 * @param secret what the worker knows us by
 * @param origin where the worker calls back
 */
export function devBridge(secret: string, origin: string): DevBridge {
  const pages = new Map<string, RequestContext>()

  return {
    carry(page, incoming, outgoing, { session, nonce, ownPages, answered, form }) {
      const key = randomId()
      pages.set(key, page)
      outgoing.once('close', () => pages.delete(key))
      incoming.headers[DEV_CONTEXT_HEADER] = encodeDevContext({
        secret,
        key,
        origin,
        session,
        nonce,
        ownPages,
        answered,
        form,
      })
    },
    identifyOr: identify => ctx => {
      const key = ctx.headers[DEV_CONTEXT_HEADER]
      const page = typeof key === 'string' ? pages.get(key) : undefined
      if (page === undefined) return identify(ctx)
      standFor(ctx, page)
      return undefined
    },
  }
}
