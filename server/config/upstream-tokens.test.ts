import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'

const cwd = mkdtempSync(join(tmpdir(), 'porchlight-config-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const provider = (id: string) => ({ id, kind: 'oidc', issuer: `https://${id}.example`, clientId: 'porch' })
const upstream = (more: object) => ({ name: 'orders', target: 'http://127.0.0.1:8000', ...more })
const load = async (upstreams: object[], providers: object[]) =>
  (
    await loadConfig(
      { PORCHLIGHT_UPSTREAMS: JSON.stringify(upstreams), PORCHLIGHT_PROVIDERS: JSON.stringify(providers) },
      cwd,
    )
  ).config
const refused = async (upstreams: object[], providers: object[]) => {
  const error = await load(upstreams, providers).catch((thrown: unknown) => thrown)
  return error instanceof OperatorError ? error.advice.join('\n') : 'nothing'
}

describe("an upstream that takes a provider's token", () => {
  test('defaults to the only provider', async () => {
    const { upstreams } = await load([upstream({ token: 'provider' })], [provider('main')])
    expect(upstreams[0]).toMatchObject({ token: 'provider', provider: 'main', requires: { signedIn: true } })
  })

  test('must name one of several', async () => {
    const several = [provider('main'), provider('other')]
    const { upstreams } = await load(
      [upstream({ token: 'exchange', provider: 'other', audience: 'orders-api' })],
      several,
    )
    expect(upstreams[0]).toMatchObject({ token: 'exchange', provider: 'other', audience: 'orders-api' })
    expect(await refused([upstream({ token: 'exchange' })], several)).toContain(
      '"orders" to name the provider whose token it uses (token: \'exchange\'): one of main, other',
    )
    expect(await refused([upstream({ token: 'provider', provider: 'third' })], several)).toContain('one of main, other')
  })

  test('needs a provider to be configured', async () => {
    expect(await refused([upstream({ token: 'provider' })], [])).toContain(
      'a configured provider, since "orders" uses its token',
    )
  })

  test('must not name one if it takes our token or none', async () => {
    expect(await refused([upstream({ provider: 'main' })], [provider('main')])).toContain(
      'no provider for "orders", which does not use a provider\'s token',
    )
    expect(await refused([upstream({ token: 'none', provider: 'main' })], [provider('main')])).toContain(
      'no provider for "orders"',
    )
    expect(await refused([upstream({ token: 'both' })], [provider('main')])).toContain(
      'one of porchlight, provider, exchange, none',
    )
  })
})
