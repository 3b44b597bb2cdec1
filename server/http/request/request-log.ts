import { STATUS_CODES } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import { peerOf } from '../../base/peer.ts'
import type { Log } from '../../base/log.ts'
import type { Meter } from '../../base/meter.ts'
import { withoutAddresses } from '../../base/personal-data.ts'
import type { RequestContext } from './request-context.ts'

/** Longer paths are truncated: they are noise, or personal data. */
const PATH_SHOWN = 300

/** Some APIs identify people by their e-mail address. */
export const loggedPath = (path: string): string => withoutAddresses(path).slice(0, PATH_SHOWN)

/**
 * Writes one line per request after its response: never a query, a header, a cookie or an e-mail address. `network` is
 * the client's address. If the client disconnected before the response's end, the line says `aborted`, and has no
 * status if that was before any response.
 */
/** The statuses that Node knows, and classes of what else an upstream may think of. */
const statusLabel = (status: number): string =>
  STATUS_CODES[status] === undefined ? `${Math.floor(status / 100)}xx` : String(status)

export function requestLog({ log, meter, clock }: { log: Log; meter: Meter; clock: Clock }) {
  return (ctx: RequestContext, status: number | null, whole: boolean): void => {
    const ms = clock.now().steady - ctx.startedAt
    meter.observe('request_seconds', ms / 1000, {
      family: ctx.family,
      status: status === null ? 'aborted' : statusLabel(status),
    })
    if (ctx.problem !== null) meter.count('problems_total', { code: ctx.problem })
    const line = {
      event: 'request_completed' as const,
      requestId: ctx.id,
      traceId: ctx.span?.trace.isSampled ? ctx.span.trace.id : undefined,
      method: ctx.method,
      path: loggedPath(ctx.path),
      status: status ?? undefined,
      aborted: whole ? undefined : true,
      ms: Math.round(ms * 10) / 10,
      family: ctx.family,
      network: peerOf(ctx.client.network),
    }
    if (status !== null && status >= 500) log.warn(line, 'request')
    else if (ctx.family === 'health' || ctx.family === 'assets') log.debug(line, 'request')
    else log.info(line, 'request')
  }
}
