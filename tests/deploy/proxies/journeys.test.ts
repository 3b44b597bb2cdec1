import { once } from 'node:events'
import { request as requestHttps } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import WebSocket from 'ws'
import type { EventsAnswer } from '../../../server/contract/wire.ts'
import { launchChromium, newContext, NO_TROUBLE } from '../../support/chromium.ts'
import { testWith, usageOf } from '../../support/faults/machine.ts'
import { signInByForm, signOutByForm } from '../../support/forms.ts'
import { CLIENT_ADDRESS, connectH2, h2Ask, h2Stream } from '../../support/proxies/h2.ts'
import { makeTlsFiles, PROXIES, type ProxyStage, startStage } from '../../support/proxies/stage.ts'
import { hashOf, megabytes } from '../../support/proxies/upstream.ts'
import { sleep, stopAll, waitUntil } from '../../support/server.ts'
import { SHORT_LIVES } from '../../support/short-lives.ts'

const MEGABYTE = 1024 * 1024
const LARGE = 200
/** Far from what passes: the server's own buffers, and what V8 has not collected yet. */
const GROWTH_BELOW = 120 * MEGABYTE
/** Longer than the default with which each of these proxies ends what is silent. */
const QUIET_MS = 65_000
const FORGED = '203.0.113.66'

const present = PROXIES.filter(({ ability }) => ability.there)
const stages = new Map<string, ProxyStage>()
const quiet = new Map<string, Quiet>()
let chromium: Browser
let started = 0

beforeAll(async () => {
  const tls = await makeTlsFiles()
  chromium = await launchChromium([`--ignore-certificate-errors-spki-list=${tls.spki}`])
  await Promise.all(
    present.map(async proxy => {
      const stage = await startStage(proxy, tls, { settings: SHORT_LIVES })
      stages.set(proxy.name, stage)
      quiet.set(proxy.name, await openQuiet(stage))
    }),
  )
  started = Date.now()
})
afterAll(async () => {
  await chromium?.close()
  await Promise.all([...stages.values()].map(stage => stage.stop()))
  await stopAll()
})

/** What says nothing for a long time, and is nobody's, so that it does not end with a session. */
interface Quiet {
  overH2: ReturnType<typeof h2Stream>
  overH1: IncomingMessage
  socket: WebSocket
}

async function openQuiet(stage: ProxyStage): Promise<Quiet> {
  const { origin, ports, tls } = stage
  const overH2 = h2Stream(await connectH2(stage), '/api/open/events')
  await once(overH2, 'data')
  const call = requestHttps({
    host: 'localhost',
    port: ports.https,
    ca: tls.ca,
    path: '/api/open/events',
    agent: false,
  })
  call.end()
  const [overH1] = (await once(call, 'response')) as [IncomingMessage]
  await once(overH1, 'data')
  overH1.on('error', () => {})
  const socket = new WebSocket(`${origin.replace('https', 'wss')}/api/open/live`, { ca: tls.ca, origin })
  await once(socket, 'open')
  return { overH2, overH1, socket }
}

for (const proxy of PROXIES) {
  const prove = testWith(proxy.ability)
  describe(`Porchlight behind ${proxy.name}, with the file that is shipped`, () => {
    const stage = () => {
      const found = stages.get(proxy.name)
      if (found === undefined) throw new Error(`${proxy.name} did not start`)
      return found
    }
    /** Somebody signed in, from an address that is not the proxy's, with a forged one beside it. */
    const signedIn = async () => {
      const { origin, admin, person } = stage()
      await admin.post('/auth/login', { email: person.email, password: person.password })
      const session = await connectH2(stage())
      return {
        session,
        headers: { origin, 'sec-fetch-site': 'same-origin', cookie: admin.jar.header() ?? '' },
      }
    }

    prove(
      'signs a person in, renews, and ends their WebSocket and event stream within a second of sign-out',
      async () => {
        const { origin, person, upstream } = stage()
        const { context, page, trouble } = await newContext(chromium, { ignoreHTTPSErrors: false })
        const [streams, sockets] = [upstream.streams.size, upstream.sockets.size]
        await page.goto(`${origin}/sign-in`)
        await signInByForm(page, person)
        const access = async () =>
          (await context.cookies()).find(({ name }) => name === '__Host-porchlight-access')?.value ?? null
        const first = await access()
        expect(first).not.toBeNull()
        await sleep(Number(SHORT_LIVES.ACCESS_SECONDS) * 1000 + 200)
        await page.goto(`${origin}/account`)
        expect(await page.innerText('body')).toContain(person.email)
        expect(await access()).not.toBe(first)
        await page.evaluate(`
        window.socket = new WebSocket(location.origin.replace('https', 'wss') + '/api/files/live')
        window.feed = new EventSource('/api/files/events')
        Promise.all([
          new Promise(heard => (socket.onmessage = event => heard(event.data), socket.onopen = () => socket.send('hello'))),
          new Promise(heard => (feed.onmessage = event => heard(event.data))),
        ])`)
        expect([upstream.streams.size, upstream.sockets.size]).toEqual([streams + 1, sockets + 1])
        const before = Date.now()
        await page.evaluate('feed.onerror = () => feed.close(); 0')
        await page.evaluate(`Promise.all([
        new Promise(closed => (socket.onclose = closed)),
        new Promise(ended => (feed.onerror = () => (feed.close(), ended()))),
        fetch('/auth/logout', { method: 'POST' }),
      ]).then(() => 0)`)
        expect(Date.now() - before).toBeLessThan(1000)
        await waitUntil(() => upstream.streams.size === streams && upstream.sockets.size === sockets, 'both to end')
        expect(trouble).toEqual(NO_TROUBLE)
        await signInByForm(page, person, `${origin}/sign-in`)
        await page.goto(`${origin}/account`)
        await signOutByForm(page)
        expect(trouble).toEqual(NO_TROUBLE)
        await context.close()
      },
    )

    prove(`passes ${LARGE} MB up and down over h2, and Porchlight holds little of it`, async () => {
      const { server } = stage()
      const { session, headers } = await signedIn()
      const expected = hashOf(megabytes(LARGE))
      const idle = usageOf(server.pid).residentBytes
      let peak = 0
      const watch = setInterval(() => (peak = Math.max(peak, usageOf(server.pid).residentBytes)), 50)
      const up = await h2Ask(session, '/api/files/upload', { method: 'POST', headers, body: megabytes(LARGE) })
      const down = await h2Ask(session, `/api/files/download?megabytes=${LARGE}`, { headers })
      clearInterval(watch)
      expect(JSON.parse(up.text)).toMatchObject({ bytes: LARGE * MEGABYTE, hash: expected })
      expect([down.bytes, down.hash]).toEqual([LARGE * MEGABYTE, expected])
      expect(peak - idle).toBeLessThan(GROWTH_BELOW)
      session.destroy()
    })

    prove('the doctor finds all in order', async () => {
      expect(await stage().complaints()).toBe('')
    })

    prove('the security log has the address of the client, who forged one', async () => {
      const { origin, person } = stage()
      const session = await connectH2(stage())
      const body = [Buffer.from(JSON.stringify({ email: person.email, password: person.password }))]
      for (const forged of [
        { 'x-forwarded-for': FORGED },
        { 'x-forwarded-for': [FORGED, '127.0.0.1'] },
        { forwarded: `for=${FORGED}`, 'x-real-ip': FORGED, x_forwarded_for: FORGED },
      ]) {
        const answer = await h2Ask(session, '/auth/login', {
          method: 'POST',
          headers: { origin, 'content-type': 'application/json', ...forged },
          body,
        })
        const cookie = [answer.headers['set-cookie'] ?? []]
          .flat()
          .map(line => line.split(';')[0])
          .join('; ')
        const log = JSON.parse((await h2Ask(session, '/auth/events', { headers: { cookie } })).text) as EventsAnswer
        expect(log.events[0]).toMatchObject({ network: CLIENT_ADDRESS })
      }
      session.destroy()
    })
  })
}

describe(`after ${QUIET_MS / 1000} quiet seconds`, () => {
  for (const proxy of PROXIES) {
    testWith(proxy.ability)(`event streams and a WebSocket through ${proxy.name} still deliver`, async () => {
      const { overH2, overH1, socket } = quiet.get(proxy.name) as Quiet
      const { upstream } = stages.get(proxy.name) as ProxyStage
      await sleep(Math.max(0, QUIET_MS - (Date.now() - started)))
      const heard = Promise.all([overH2, overH1].map(stream => once(stream, 'data')))
      const back = once(socket, 'message')
      for (const stream of upstream.streams) stream.write('data: late\n\n')
      socket.send('late')
      expect((await heard).map(([data]) => String(data))).toEqual(['data: late\n\n', 'data: late\n\n'])
      expect(String((await back)[0])).toBe('late')
      socket.close()
      overH1.destroy()
      overH2.close()
    })
  }
})
