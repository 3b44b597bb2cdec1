import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json } from '../../support/hostile-provider.ts'
import { type Guest, type RefreshStage, refreshStage } from '../../support/refresh-stage.ts'
import { stopAll } from '../../support/server.ts'

let stage: RefreshStage

beforeAll(async () => {
  stage = await refreshStage(3)
})
afterAll(async () => {
  await stage?.stop()
  await stopAll()
})

/**
 * The provider has rotated; its answer never comes.
 * @returns the refresh tokens that it was shown
 */
async function dieInBetween({ browser, as, atToken }: Guest): Promise<string[]> {
  const shown: string[] = []
  await new Promise<void>(rotated => {
    atToken(request => {
      void fieldsOf(request).then(fields => {
        shown.push(fields.get('refresh_token') ?? '')
        rotated()
      })
    })
    browser.get(`/api/${as}/x`).catch(() => {})
  })
  await stage.server.stop('SIGKILL')
  return shown
}

describe("a process that dies between the provider's rotation and our save", () => {
  test('is recognised and told: the session ends as provider_refresh_lost, once, and nothing goes round in circles', async () => {
    const guest = await stage.arrived()
    const shown = await dieInBetween(guest)
    guest.atToken(
      (request, response) =>
        void fieldsOf(request).then(fields => {
          shown.push(fields.get('refresh_token') ?? '')
          json(response, 400, { error: 'invalid_grant' })
        }),
    )
    await stage.startAgain()
    const burst = await Promise.all(Array.from({ length: 20 }, () => guest.call()))
    expect(new Set(burst.map(answer => answer.status))).toEqual(new Set([401]))
    expect(await guest.browser.session()).toMatchObject({ user: null, ended: 'provider_refresh_lost' })
    for (let i = 0; i < 5; i++) expect((await guest.call()).status).toBe(401)
    // The stored token was shown once by each process.
    expect(shown).toHaveLength(2)
    expect(new Set(shown).size).toBe(1)
    const page = await guest.browser.page('/sign-in')
    expect(page.status).toBe(200)
    stage.saw(page)
  })

  test('loses nothing at a provider that had not acted yet, or forgives', async () => {
    const guest = await stage.arrived()
    const shown = await dieInBetween(guest)
    const asked = guest.refreshes()
    await stage.startAgain()
    expect((await guest.call()).status).toBe(200)
    expect([asked.count, shown.length]).toEqual([1, 1])
    expect((await guest.browser.session()).user?.name).toBe('Vera Visitor')
  })

  test('a restart in peace loses nothing, and asks nobody', async () => {
    const { call, refreshes } = await stage.arrived()
    const asked = refreshes()
    expect((await call()).status).toBe(200)
    await stage.server.stop()
    await stage.startAgain()
    expect((await call()).status).toBe(200)
    expect(asked.count).toBe(1)
  })
})

test('BBA-3 no token of a provider is in the log, in anything that a browser got, or readable in the data folder', () =>
  stage.expectNoTokenAnywhere())

async function fieldsOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}
