import { randomId } from '../base/ids.ts'

/** Ids of other accounts contain no dot, so that none can be taken for a test's. */
export const TEST_PREFIX = 'test.'

/** The id of an account that tests sign in to. Logs, lists and upstream tokens show what it is. */
export function newTestAccountId(): string {
  return TEST_PREFIX + randomId()
}

export function isTestAccount(id: string): boolean {
  return id.startsWith(TEST_PREFIX)
}
