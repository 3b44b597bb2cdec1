import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Cursor } from '../store/types.ts'

/** Rows per turn of the event loop: about a millisecond. */
const ROWS = 500

/**
 * Walks through a table in batches, one per turn of the event loop, so that requests can go first.
 * @param visit processes `limit` rows after `after`, and returns where it stopped; null: there were none
 */
export async function walkInBatches(
  look: (after: Cursor | null, limit: number) => Promise<Cursor | null>,
): Promise<void> {
  for (let after = await look(null, ROWS); after !== null; after = await look(after, ROWS)) await nextTurn()
}
