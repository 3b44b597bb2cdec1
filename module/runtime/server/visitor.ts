import type { H3Event } from 'h3'
import type { SiteContext } from '../../../server/contract/site-context.ts'

// What is known of a visitor belongs to one request and to the calls that it makes on purpose. Whatever else runs in the
// meantime may be for everybody: a cached route or function calls others, and keeps what they answer.

/** By event, because a cached handler has another one, with the same `event.context`. */
const contexts = new WeakMap<H3Event, SiteContext>()
const CALLER = Symbol('porchlight.caller')

/** What a call in process brings along. */
interface Called {
  __unenv__?: { [CALLER]?: SiteContext }
}

export function rememberContext(event: H3Event, context: SiteContext): void {
  contexts.set(event, context)
  event.context.porchlight = context
}

export function contextOf(event: H3Event): SiteContext | null {
  return contexts.get(event) ?? null
}

/** The context of a call in process, which Nitro hands on to its request: the call is the visitor's. */
export function onBehalfOf(event: H3Event, context: SiteContext): object {
  return { ...event.context, [CALLER]: context }
}

/** Null: nobody's call. */
export function callerOf(event: H3Event): SiteContext | null {
  return (event.node.req as Called).__unenv__?.[CALLER] ?? null
}
