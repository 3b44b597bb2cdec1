import type { Keyring } from '../keys/types.ts'
import type { SealedGrant } from '../store/types.ts'

const BATCH = 100

/**
 * Reseals the tokens of every grant with the newest key, in batches, while the server runs.
 * @returns how many were resealed, and how many could not be opened (their keys are gone; they are left unchanged)
 */
export async function resealGrants({
  keyring,
  grants,
}: {
  keyring: Keyring
  grants: {
    sealedGrants(after: string, limit: number): Promise<SealedGrant[]>
    replaceSealed(before: SealedGrant, sealed: string): Promise<boolean>
  }
}): Promise<{ resealed: number; unreadable: number }> {
  const done = { resealed: 0, unreadable: 0 }
  for (let after = ''; ;) {
    const batch = await grants.sealedGrants(after, BATCH)
    for (const row of batch) {
      const opened = await keyring.open('at-rest', row.sealed, row.id)
      if (opened === null) done.unreadable++
      // A grant refreshed in the meantime is sealed with the newest key already.
      else if (await grants.replaceSealed(row, await keyring.seal('at-rest', opened, row.id))) done.resealed++
    }
    const last = batch.at(-1)
    if (last === undefined || batch.length < BATCH) return done
    after = last.id
  }
}
