import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import { CLIENT } from '../../support/hostile-provider.ts'
import {
  arriveFrom,
  HOSTILE,
  type HostileStage,
  hostileStage,
  idOf,
  newAddress,
  returnFrom,
  signInAt,
  somebodyAt,
} from '../../support/hostile-stage.ts'
import { signUp, somebody } from '../../support/people.ts'
import { comeBack } from '../../support/provider-visit.ts'
import { stopAll } from '../../support/server.ts'

let stage: HostileStage
/** What was given back, in order. */
let givenBack: string[]
beforeAll(async () => {
  stage = await hostileStage()
})
afterAll(async () => {
  await stage?.stop()
  await stopAll()
})

/** From now on the provider writes down what it is given back. */
function listen(): void {
  givenBack = []
  stage.hostile.change = {
    instead: {
      '/revoke': (request, response) => {
        let body = ''
        request
          .on('data', chunk => (body += String(chunk)))
          .on('end', () => {
            givenBack.push(new URLSearchParams(body).get('token') ?? '')
            response.writeHead(200).end()
          })
      },
    },
  }
}

describe('a sign-in that is refused after the provider gave its tokens gives them back:', () => {
  const refreshTokens = () => stage.hostile.secrets.filter(secret => givenBack.includes(secret))

  test('of somebody whose address belongs to an account with a password', async () => {
    const email = newAddress()
    await signUp(stage.admin, { ...somebody('Owner'), email })
    listen()
    somebodyAt(stage.hostile, { email, email_verified: true })
    const answer = await signInAt(new Visitor(stage.server.origin), stage.hostile)
    expect(answer.headers.location).toContain('problem=link_required')
    await expect.poll(refreshTokens).toHaveLength(1)
  })

  test('of somebody who is disabled', async () => {
    somebodyAt(stage.hostile)
    const browser = await arriveFrom(stage.hostile, stage.server.origin)
    expect(
      (
        await stage.admin.ask({
          method: 'PATCH',
          path: `/auth/people/${await idOf(browser)}`,
          body: { disabled: true },
        })
      ).status,
    ).toBe(200)
    listen()
    const answer = await signInAt(new Visitor(stage.server.origin), stage.hostile)
    expect(answer.headers.location).toContain('problem=account_disabled')
    await expect.poll(() => refreshTokens().length).toBeGreaterThan(0)
  })

  test('of a link to what opens another account', async () => {
    somebodyAt(stage.hostile)
    const owner = await arriveFrom(stage.hostile, stage.server.origin)
    await owner.post('/auth/logout')
    const { browser } = await signUp(stage.admin)
    const { href } = (await browser.post(`/auth/links/${HOSTILE}`)).json<{ href: string }>()
    listen()
    const answer = await comeBack(browser, await returnFrom(stage.hostile, href))
    expect(answer.headers.location).toContain('problem=identity_taken')
    await expect.poll(refreshTokens).toHaveLength(1)
  })

  test('of a second account of a provider that the session came by: it is a way in from now on, and the session goes on as the first', async () => {
    const first = somebodyAt(stage.hostile)
    const browser = await arriveFrom(stage.hostile, stage.server.origin)
    const me = await idOf(browser)
    const { href } = (await browser.post(`/auth/links/${HOSTILE}`)).json<{ href: string }>()
    const second = somebodyAt(stage.hostile)
    listen()
    expect((await comeBack(browser, await returnFrom(stage.hostile, href))).headers.location).toBe('/account')
    await expect.poll(refreshTokens).toHaveLength(1)
    expect(await idOf(await arriveFrom(stage.hostile, stage.server.origin)), 'by the second').toBe(me)
    // LO-6 the first one's end at the provider is the session's.
    expect(await logOut(second.sub, `sid-${second.sub}`)).toBe(200)
    expect(await idOf(browser)).toBe(me)
    expect(await logOut(first.sub, `sid-${first.sub}`)).toBe(200)
    expect(await idOf(browser)).toBeUndefined()
  })
})

let tokens = 0
async function logoutToken(claims: Record<string, unknown>): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  return stage.hostile.signed(
    {
      iss: stage.hostile.issuer,
      aud: CLIENT.clientId,
      iat: now,
      exp: now + 120,
      jti: `leftover-${++tokens}`,
      events,
      ...claims,
    },
    { typ: 'logout+jwt' },
  )
}

/**
 * Tells our server, as the provider does.
 * @returns the status
 */
async function send(token: string): Promise<number> {
  const body = new URLSearchParams({ logout_token: token }).toString()
  return (
    await new Visitor(stage.server.origin).ask({
      method: 'POST',
      path: `/auth/backchannel/${HOSTILE}`,
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      browserLike: false,
      cookies: false,
    })
  ).status
}

const logOut = async (sub: string, sid: string) => send(await logoutToken({ sub, sid }))
