import type { Visitor } from './client.ts'
import { sleep } from './server.ts'

/** Lives short enough to wait for, in the proportions that the server insists on. */
export const SHORT_LIVES = { ACCESS_SECONDS: '4', REFRESH_CONFIRM_SECONDS: '1', REFRESH_GRACE_SECONDS: '2' }

/**
 * Waits until the access token that this browser holds is over, and a little more. Makes no request that could renew
 * it.
 */
export async function untilAccessEnds(browser: Visitor): Promise<void> {
  const access = browser.jar.received.findLast(cookie => cookie.name.endsWith('-access'))
  if (access === undefined) throw new Error('this browser was never given an access token')
  await sleep(Number(SHORT_LIVES.ACCESS_SECONDS) * 1000 + 200)
}
