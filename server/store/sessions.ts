import type { UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'

/** A session that has just been ended, as everybody else needs to know it. */
export interface EndedSession { sidHash: string, publicId: string, userId: string, reason: EndReason, endedAt: UnixMs }
