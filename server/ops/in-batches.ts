import { setImmediate as nextTurn } from 'node:timers/promises'

/** Rows looked at in one turn: a millisecond or so. */
const ROWS = 500

/**
 * Goes through a table from its beginning, some rows a turn of the event loop, so that requests that come in meanwhile
 * go first.
 * @param look looks at `limit` rows after `after`, and says where it stopped; null: there were none
 */
export async function walkInBatches(look: (after: number, limit: number) => Promise<number | null>): Promise<void> {
  for (let after = await look(0, ROWS); after !== null; after = await look(after, ROWS)) await nextTurn()
}
