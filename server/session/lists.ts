import type { Clock, UnixMs } from '../base/clock.ts'
import type { SessionRecord, SessionStore } from '../store/types.ts'
import { idleEndsAt } from './judge.ts'
import type { Runtimes } from './session-runtime.ts'
import type { Sessions, SessionSummary } from './types.ts'

/** As many as the setting can allow per account. */
const NEWEST_MAX = 1000
const PAGE = 100

/** Lists active sessions in pages, because whatever is read in one turn blocks other requests. */
export function sessionLists({ clock, store, memory }: { clock: Clock; store: SessionStore; memory: Runtimes }): {
  page: Sessions['page']
  newest: Sessions['list']
} {
  function summarize(row: SessionRecord): SessionSummary {
    const lastSeenAt = Math.max(row.lastSeenAt, memory.lastSeenAt(row.sidHash))
    return {
      publicId: row.publicId,
      createdAt: row.createdAt,
      lastSeenAt,
      idleEndsAt: idleEndsAt(row, { lastSeenAt }),
      absoluteEndsAt: row.absoluteEndsAt,
      remember: row.remember,
      userAgent: row.userAgent,
      network: row.network,
    }
  }

  async function firstOf(publicId: string, userId: string): Promise<SessionRecord[]> {
    const row = await store.findByPublicId(publicId)
    return row !== null && row.userId === userId && row.endedAt === null ? [row] : []
  }

  async function page(userId: string, { cursor, first, limit }: Parameters<Sessions['page']>[1]) {
    const { sessions, next } = await store.page(userId, cursor, limit)
    const others = sessions.filter(row => row.publicId !== first)
    const all = cursor === null && first !== null ? [...(await firstOf(first, userId)), ...others] : others
    return { sessions: all.map(summarize).filter(summary => isLiving(summary, clock.now().wall)), next }
  }

  return {
    page,
    async newest(userId) {
      const all: SessionSummary[] = []
      for (let cursor: string | null = null; ;) {
        const { sessions, next } = await page(userId, { cursor, first: null, limit: PAGE })
        all.push(...sessions)
        if (next === null || all.length >= NEWEST_MAX) return all
        cursor = next
        await new Promise(resolveTurn => setImmediate(resolveTurn))
      }
    },
  }
}

function isLiving(summary: SessionSummary, now: UnixMs): boolean {
  return now < Math.min(summary.idleEndsAt, summary.absoluteEndsAt)
}
