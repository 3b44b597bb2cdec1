import { isLoopback } from './address.ts'
import type { Config } from './types.ts'

/** Values of NODE_ENV that say that this is no production. Vitest, Playwright and Nuxt set one of them. */
const NOT_PRODUCTION: readonly (string | undefined)[] = ['test', 'development']

/**
 * Why tests may not sign in here. Whoever knows the secret is anybody, so both the network and the process have to
 * show that this is no site with real users; what says nothing counts as production.
 * @param nodeEnv NODE_ENV of the process
 * @returns null if they may
 * @see docs/decisions/028-test-sign-in.md
 */
export function whyNoTestSignIn(
  { loopback, publicUrl, hosts }: Pick<Config, 'loopback' | 'publicUrl' | 'hosts'>,
  nodeEnv: string | undefined,
): string | null {
  if (!loopback) return `only for tests on this machine, and ${publicUrl} is a public address`
  const open = hosts.find(host => !isLoopback(host))
  if (open !== undefined) return `only for tests on this machine, and ${open} can be reached from others`
  if (NOT_PRODUCTION.includes(nodeEnv)) return null
  return `never in production: set NODE_ENV=test beside it if these are tests (it is ${nodeEnv === undefined || nodeEnv === '' ? 'not set' : nodeEnv})`
}
