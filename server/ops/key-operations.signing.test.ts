import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { handClock, installation, type Services } from '../../tests/support/installation.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { runCommand } from './commands.ts'
import { retireSigningKeys } from './key-operations.ts'
import { OPERATOR } from '../accounts/actor.ts'
import { createUpstreamTokens } from '../relay/upstream-tokens.ts'

const { hand, clock } = handClock()
const ORDERS = {
  name: 'orders',
  audience: 'orders',
  tokenType: 'at+jwt',
  claims: [],
  scopes: [],
} as unknown as Upstream

let home: ReturnType<typeof installation>
let services: Services
const start = async () => {
  services = await home.start()
}
beforeEach(async () => {
  home = installation(clock)
  await start()
})
afterEach(async () => {
  await services.close()
  home.remove()
})

const rotate = (compromised: boolean) =>
  runCommand(services, 'key.rotate', { reseal: false, compromised }) as Promise<{ signing: { id: string } }>
const listed = async () =>
  ((await runCommand(services, 'key.list', {})) as { signing: { id: string; use: string }[] }).signing.map(
    ({ id, use }) => [id, use],
  )
const published = () => services.signing.published(hand.wall)

test('key rotate publishes a signing key, which signs in its time and through a restart; housekeeping deletes the old one', async () => {
  const { config } = services
  const first = services.signing.signer(hand.wall).kid
  const {
    signing: { id: second },
  } = await rotate(false)
  expect(await listed()).toEqual([
    [second, 'published'],
    [first, 'signs'],
  ])
  expect(published().map(key => key.kid)).toEqual([first, second])
  await services.close()
  await start()
  hand.wall += 2 * config.jwksMaxAgeMs
  expect(await listed()).toEqual([
    [second, 'signs'],
    [first, 'verifies'],
  ])
  hand.wall += config.upstreamTokenMs + config.jwksMaxAgeMs - 1
  expect(retireSigningKeys(services, hand.wall)).toBe(0)
  hand.wall += 1
  expect(retireSigningKeys(services, hand.wall)).toBe(1)
  await services.close()
  await start()
  expect(await listed()).toEqual([[second, 'signs']])
})

test('key rotate --compromised withdraws every signing key at once, and what an ended session had been given is worth nothing', async () => {
  const { config, people, sessions } = services
  const tokens = createUpstreamTokens({
    clock,
    signing: services.signing,
    publicUrl: config.publicUrl,
    upstreamTokenMs: config.upstreamTokenMs,
  })
  sessions.onEnded(({ publicId }) => tokens.forget(publicId))
  const user = await people.accounts.create(
    { email: 'ada@example.org', name: 'Ada', roles: ['user'], password: 'quiet lantern over the porch' },
    OPERATOR,
  )
  const open = async () =>
    (
      await sessions.open({
        userId: user.id,
        amr: ['pwd'],
        remember: true,
        client: { userAgent: 'test', network: '127.0.0.1' },
        replaces: null,
        newDevice: false,
        basis: null,
      })
    ).session
  const verify = (token: string) =>
    jwtVerify(token, createLocalJWKSet({ keys: published() }), {
      issuer: config.publicUrl,
      audience: 'orders',
      typ: 'at+jwt',
      currentDate: new Date(hand.wall),
    })

  const session = await open()
  const stolen = await tokens.tokenFor(ORDERS, { session, user, language: null }, false)
  await expect(verify(stolen)).resolves.toMatchObject({ payload: { sub: user.id, sid: session.publicId } })
  await rotate(false)
  const {
    signing: { id },
  } = await rotate(true)
  expect(await listed()).toEqual([[id, 'signs']])
  await expect(verify(stolen)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  await expect(tokens.tokenFor(ORDERS, { session, user, language: null }, false)).rejects.toMatchObject({
    code: 'not_signed_in',
  })
  await expect(
    verify(await tokens.tokenFor(ORDERS, { session: await open(), user, language: null }, false)),
  ).resolves.toBeDefined()
})
