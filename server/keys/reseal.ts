import type { Keyring } from './types.ts'

/** A column of sealed values, each bound to the id of its row. */
export interface SealedColumn<Row extends { id: string }> {
  /** The rows that follow an id, in the order of ids. */
  rowsAfter(id: string, limit: number): Promise<Row[]>
  sealedOf(row: Row): string
  /** @returns false if the row has changed since it was read: its new value is sealed with the newest key already */
  replace(row: Row, sealed: string): Promise<boolean>
}

const BATCH = 100

/**
 * Reseals a column at rest with the newest key, in batches, while the server runs.
 * @returns how many were resealed, and how many could not be opened (their keys are gone; they are left unchanged)
 */
export async function reseal<Row extends { id: string }>(
  keyring: Keyring,
  { rowsAfter, sealedOf, replace }: SealedColumn<Row>,
): Promise<{ resealed: number; unreadable: number }> {
  const done = { resealed: 0, unreadable: 0 }
  for (let after = ''; ;) {
    const batch = await rowsAfter(after, BATCH)
    for (const row of batch) {
      const opened = await keyring.open('at-rest', sealedOf(row), row.id)
      if (opened === null) done.unreadable++
      else if (await replace(row, keyring.seal('at-rest', opened, row.id))) done.resealed++
    }
    const last = batch.at(-1)
    if (last === undefined || batch.length < BATCH) return done
    after = last.id
  }
}
