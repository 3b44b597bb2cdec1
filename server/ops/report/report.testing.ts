import { DAY } from '../../base/clock.ts'
import { OperatorError } from '../../base/operator-error.ts'
import { loadConfig } from '../../config/load-config.ts'
import type { Facts } from './requirement.ts'

const NOW = Date.UTC(2026, 10, 29)
const SECURE = { 'strict-transport-security': 'max-age=63072000', 'x-content-type-options': 'nosniff' }

export const ORDERS = {
  name: 'orders',
  target: 'https://orders.internal.example',
  methods: ['GET', 'POST'],
  requires: { signedIn: true },
}
export const PROVIDER = {
  id: 'corp',
  kind: 'oidc',
  name: 'Corp',
  issuer: 'https://id.corp.example',
  clientId: 'porch',
  clientSecret: 'a-secret-of-the-corporation-0123456789',
}

/** A site as it should be: https behind a proxy, one upstream and one provider. */
export const GOOD: Record<string, string> = {
  PUBLIC_URL: 'https://porch.example',
  TRUSTED_PROXIES: '10.0.0.1',
  HOST: '0.0.0.0',
  UPSTREAMS: JSON.stringify([ORDERS]),
  PROVIDERS: JSON.stringify([PROVIDER]),
}

/** The facts of an installation with these settings, by the names of their variables without the prefix. */
export async function factsOf(
  settings: Record<string, string>,
  changes: Partial<Facts> = {},
  more: Record<string, string> = {},
): Promise<Facts> {
  const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`PORCHLIGHT_${name}`, value]))
  const { config } = await loadConfig({ ...env, ...more }, '/nowhere').catch((error: unknown) => {
    throw error instanceof OperatorError ? new Error(error.lines.join('\n')) : error
  })
  return {
    config,
    now: NOW,
    nodeEnv: 'production',
    exposures: [],
    signingKeyMadeAt: NOW - 30 * DAY,
    headers: new Headers({ ...SECURE, 'cache-control': 'private, no-store' }),
    ...changes,
  }
}
