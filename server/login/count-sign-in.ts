import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'

/** Counts a sign-in by its outcome. */
export async function countSignIn<T>(meter: Meter, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work()
    meter.count('sign_ins_total', { outcome: 'signed_in' })
    return result
  } catch (error) {
    meter.count('sign_ins_total', { outcome: error instanceof Problem ? error.code : 'failed' })
    throw error
  }
}
