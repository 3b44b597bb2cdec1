import type { Keyring } from '../keys/types.ts'
import type { SealedGrant } from '../store/provider-grants.ts'

const BATCH = 100

/**
 * Seals the tokens of every grant again under the newest key, batch by batch, while the server goes on.
 * @returns how many were sealed anew, and how many could not be opened (their keys are gone; they are left as they are)
 */
export async function resealGrants({
  keyring,
  grants,
}: {
  keyring: Keyring
  grants: {
    sealedRows(after: string, limit: number): Promise<SealedGrant[]>
    replaceSealed(before: SealedGrant, sealed: string): Promise<boolean>
  }
}): Promise<{ resealed: number; unreadable: number }> {
  const done = { resealed: 0, unreadable: 0 }
  for (let after = ''; ;) {
    const batch = await grants.sealedRows(after, BATCH)
    for (const row of batch) {
      const opened = await keyring.open('at-rest', row.sealed, row.id)
      if (opened === null) done.unreadable++
      // One that was refreshed meanwhile is sealed under the newest key already.
      else if (await grants.replaceSealed(row, await keyring.seal('at-rest', opened, row.id))) done.resealed++
    }
    const last = batch.at(-1)
    if (last === undefined || batch.length < BATCH) return done
    after = last.id
  }
}
