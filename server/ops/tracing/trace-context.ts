import { randomFillSync } from 'node:crypto'

/** What a caller says about the trace that its request belongs to (W3C Trace Context §3). */
export interface RemoteParent {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits. */
  spanId: string
  isSampled: boolean
  /** Of other tracing systems, passed on as it is; null: none. */
  state: string | null
}

const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/
/** List members of printable ASCII. A longer one than has to be passed on is dropped (§3.3.1.5). */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/
const SAMPLED = 1

/**
 * @returns null if there is no valid parent, in which case a trace begins anew (§3.2.2): two headers, which Node joins
 * by a comma, are none
 */
export function readParent(traceparent: string | undefined, tracestate: string | undefined): RemoteParent | null {
  const [, version, traceId = '', spanId = '', flags = '', rest] = TRACEPARENT.exec(traceparent ?? '') ?? []
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return null
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null
  return {
    traceId,
    spanId,
    isSampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED,
    state: tracestate !== undefined && TRACESTATE.test(tracestate) ? tracestate : null,
  }
}

/** Of version 00, whose only flag is `sampled` (§3.2.2.5). */
export function traceparentOf({ traceId, spanId, isSampled }: Omit<RemoteParent, 'state'>): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}

const pool = Buffer.alloc(4096)
let used = pool.length

/** Random bytes in hexadecimal digits, drawn from the system in batches; never all zero (§3.2.2.3). */
export function randomHex(bytes: 8 | 16): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const digits = pool.toString('hex', used, (used += bytes))
  return /^0+$/.test(digits) ? randomHex(bytes) : digits
}
