import { randomId } from '../base/ids.ts'

/** Ids of other accounts contain no dot, so that none can be taken for a test's. */
const PREFIX = 'test.'

/** The id of an account that tests sign in to. Logs, lists and upstream tokens show what it is. */
export function newTestAccountId(): string {
  return PREFIX + randomId()
}

export function isTestAccount(id: string): boolean {
  return id.startsWith(PREFIX)
}
