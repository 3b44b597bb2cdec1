import { Agent, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { json } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import type { SessionAnswer } from '../../server/contract/wire.ts'
import type { Visitor } from '../support/client.ts'
import { setUp, signIn, signUp } from '../support/people.ts'
import { startServer, stopAll } from '../support/server.ts'

afterAll(stopAll)

// A proxy in front sends everybody's requests over the same few connections: here, over one.

test('two people on one connection are each themselves, through sign-outs, new sign-ins and jars put together wrongly', async () => {
  const server = await startServer()
  const { browser: ada } = await setUp(server.origin)
  const { browser: bob, person } = await signUp(ada)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ports = new Set<number | undefined>()
  const asked = async (
    method: string,
    path: string,
    cookie: string,
  ): Promise<{ status: number | undefined; body: SessionAnswer; sets: string[] }> => {
    const sent = request({
      host: '127.0.0.1',
      port: server.port,
      path,
      method,
      agent,
      headers: {
        Host: new URL(server.origin).host,
        'Sec-Fetch-Site': 'same-origin',
        'Sec-Fetch-Mode': 'cors',
        Cookie: cookie,
      },
    }).end()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    ports.add(sent.socket?.localPort)
    return {
      status: answer.statusCode,
      body: (await json(answer)) as SessionAnswer,
      sets: answer.headers['set-cookie'] ?? [],
    }
  }
  const whoIs = async (cookie: string) => (await asked('GET', '/auth/session', cookie)).body.user?.id ?? null
  const cookiesOf = (browser: Visitor) => browser.jar.header() ?? ''
  const one = (header: string, name: string) =>
    header.split('; ').find(pair => pair.split('=')[0]?.endsWith(`porchlight-${name}`)) ?? ''
  try {
    const [adas, bobs] = [cookiesOf(ada), cookiesOf(bob)]
    const [adaId, bobId] = [await whoIs(adas), await whoIs(bobs)]
    expect(adaId).not.toBeNull()
    expect(bobId).not.toBeNull()
    expect(bobId).not.toBe(adaId)
    for (let i = 0; i < 20; i++) expect(await whoIs(i % 3 === 0 ? bobs : adas)).toBe(i % 3 === 0 ? bobId : adaId)

    // The refresh token names the session; an access token of another is nobody's leave to be two people.
    const mixed = `${one(adas, 'access')}; ${one(bobs, 'refresh')}`
    expect([bobId, null]).toContain(await whoIs(mixed))
    expect(await whoIs(`${adas}; ${one(bobs, 'access')}`)).toBeNull()
    expect(await whoIs(`${one(adas, 'access')}; ${one(adas, 'access')}`)).toBeNull()
    expect(await whoIs('theme=dark')).toBeNull()
    expect(await whoIs(adas)).toBe(adaId)

    // A sign-out between two requests of the other ends one of them, whatever was remembered of the same bytes.
    const out = await asked('POST', '/auth/logout', bobs)
    expect(out.status).toBe(200)
    expect(await whoIs(adas)).toBe(adaId)
    expect(await whoIs(bobs)).toBeNull()
    expect(await whoIs(bobs)).toBeNull()
    expect(await whoIs(mixed)).toBeNull()

    const again = cookiesOf(await signIn(server.origin, person))
    for (const [cookie, id] of [
      [again, bobId],
      [bobs, null],
      [adas, adaId],
      [again, bobId],
    ] as const)
      expect(await whoIs(cookie)).toBe(id)
    // Nobody's answer carries another's cookies.
    expect((await asked('GET', '/auth/session', adas)).sets).toEqual([])
    expect(ports.size).toBe(1)
  } finally {
    agent.destroy()
  }
})
