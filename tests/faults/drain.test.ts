import { afterAll, expect, test } from 'vitest'
import type { NotesAnswer } from '../../server/contract/demo/notes.ts'
import { type Server, sleep, startServer, statusOf, stopAll } from '../support/server.ts'
import type { LoggedBrowser } from '../support/faults/browser.ts'
import { complaints, onDisk, wronged } from '../support/faults/checker.ts'
import { gather, inLanes } from '../support/faults/crowd.ts'
import { percentiles, report } from '../support/faults/figures.ts'
import { openSocket, openStream } from '../support/faults/stream.ts'

const SETTINGS = { LOG_LEVEL: 'warn' }
const BROWSERS = 40
const STREAMS = 5
const LOAD = 0.7
/** As much at once as finds out what the server can do. */
const LANES = 24
/** Within a supervisor's usual patience of ten seconds. */
const EXIT_MS = 10_000

afterAll(stopAll)

/** `n`: which call it was, in what it wrote too. */
interface Sent {
  n: number
  what: string
  unsafe: boolean
  status: number | null
  ms: number
}

/** What people do, in turn: every third call changes something. */
const CALLS: { what: string; unsafe: boolean; send(browser: LoggedBrowser, n: number): Promise<{ status: number }> }[] =
  [
    { what: 'session', unsafe: false, send: browser => browser.get('/auth/session') },
    { what: 'note', unsafe: true, send: (browser, n) => browser.post('/api/notes', { text: noteOf(n) }) },
    { what: 'page', unsafe: false, send: browser => browser.page('/account') },
    {
      what: 'name',
      unsafe: true,
      send: (browser, n) =>
        browser.ask({ method: 'PATCH', path: '/auth/user', body: { name: `${browser.person.name} ${n}` } }),
    },
    { what: 'sessions', unsafe: false, send: browser => browser.get('/auth/sessions') },
    { what: 'list', unsafe: false, send: browser => browser.get('/api/notes') },
  ]

/** Higher than any number of those that find out what the server can do. */
const FIRST_OF_LOAD = 1_000_000

const noteOf = (n: number) => `note ${n}`

/** @param from the number of its first call: no two have the same */
function caller(browsers: readonly LoggedBrowser[], from: number): { sent: Sent[]; call(): Promise<void> } {
  const sent: Sent[] = []
  let count = from
  return {
    sent,
    async call() {
      const n = count++
      const kind = CALLS[n % CALLS.length]
      const browser = browsers[n % browsers.length]
      if (kind === undefined || browser === undefined) return
      const one: Sent = { n, what: kind.what, unsafe: kind.unsafe, status: null, ms: 0 }
      sent.push(one)
      const started = performance.now()
      try {
        one.status = (await kind.send(browser, n)).status
      } catch {
        one.status = null
      }
      one.ms = performance.now() - started
    },
  }
}

test('SIGTERM at 70 % load: not ready first, then no unsafe call fails, streams are told, it ends by itself in time, nobody is signed out', async () => {
  const server = await startServer({ settings: SETTINGS })
  // One person each: what one account may write has a rate, and that is not what is measured here.
  const { browsers } = await gather(server, BROWSERS, BROWSERS)
  // The first calls are dearer: they load what is loaded once.
  await capacity(browsers)
  const perSecond = (await capacity(browsers)) * LOAD
  const streams = await Promise.all(browsers.slice(0, STREAMS).map(browser => openStream(browser, '/api/notes/feed')))
  expect(streams.map(stream => stream.status)).toEqual(Array(STREAMS).fill(200))
  const sockets = await Promise.all(
    browsers.slice(0, STREAMS).map(browser => openSocket(browser, '/api/notes/presence')),
  )

  const { sent, call } = caller(browsers, FIRST_OF_LOAD)
  const balancer = watchReadiness(server)
  const started = performance.now()
  const load = sendWhile(() => balancer.ready(), perSecond, call)
  await sleep(1500)
  const signalled = performance.now()
  const exit = server.stop('SIGTERM')
  await load.stopped
  const noticedMs = performance.now() - signalled
  const sentPerSecond = (sent.length / (performance.now() - started)) * 1000
  await load.answered
  const code = await exit
  const exitMs = performance.now() - signalled
  balancer.stop()

  // Were the load less than that, nothing would be shown.
  expect(sentPerSecond).toBeGreaterThan(perSecond * 0.9)
  expect(balancer.first()).toBe(503)
  expect(sent.filter(({ unsafe, status }) => unsafe && (status === null || status >= 300))).toEqual([])
  expect(sent.filter(({ status }) => status !== 200 && status !== 201)).toEqual([])
  expect(await Promise.all(streams.map(stream => stream.ended))).toEqual(Array(STREAMS).fill('ended'))
  // 1001: going away (RFC 6455 §7.4.1).
  expect(await Promise.all(sockets.map(socket => socket.closed))).toEqual(Array(STREAMS).fill(1001))
  expect(code).toBe(0)
  expect(exitMs).toBeLessThan(EXIT_MS)
  expect(server.output).not.toContain('"requests_cut_off"')

  expect(onDisk(server.dataDir, db => complaints(db, browsers, { alive: true }))).toEqual([])
  const next = await startServer({ dataDir: server.dataDir, port: server.port, settings: SETTINGS })
  await inLanes(4, browsers, async browser => {
    expect((await browser.session()).user?.email).toBe(browser.person.email)
  })
  const one = new Map(browsers.map(browser => [browser.person, browser]))
  const kept = new Set<string>()
  for (const browser of one.values())
    for (const { text } of (await browser.get('/api/notes')).json<NotesAnswer>().notes) kept.add(text)
  expect(sent.filter(({ what, n }) => what === 'note' && !kept.has(noteOf(n)))).toEqual([])
  expect(wronged(browsers)).toEqual([])
  report('sigterm', {
    callsPerSecond: Math.round(perSecond),
    calls: sent.length,
    unsafe: sent.filter(each => each.unsafe).length,
    failed: 0,
    notReadySeenAfterMs: Math.round(noticedMs),
    exitAfterMs: Math.round(exitMs),
    ...percentiles(sent.map(each => each.ms)),
  })
  await next.stop('SIGKILL')
})

/** Calls per second that the server answers when it is asked for as many as it can. */
async function capacity(browsers: readonly LoggedBrowser[]): Promise<number> {
  const { sent, call } = caller(browsers, 0)
  const until = performance.now() + 2000
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      while (performance.now() < until) await call()
    }),
  )
  return sent.filter(({ status }) => status === 200 || status === 201).length / 2
}

/** Asks whether the server is ready as a balancer does: often, each time over a new connection. */
function watchReadiness(server: Server): { ready(): boolean; first(): number | null | undefined; stop(): void } {
  let first: number | null | undefined
  let stopped = false
  const watch = async () => {
    while (!stopped && first === undefined) {
      const status = await statusOf(server.port, '/readyz')
      if (status !== 200) first = status
      await sleep(25)
    }
  }
  void watch()
  return { ready: () => first === undefined, first: () => first, stop: () => void (stopped = true) }
}

/** Sends calls at a steady rate, however long their answers take, until told otherwise. */
function sendWhile(
  go: () => boolean,
  perSecond: number,
  call: () => Promise<void>,
): { stopped: Promise<void>; answered: Promise<void> } {
  const underWay: Promise<void>[] = []
  const stopped = (async () => {
    const started = performance.now()
    while (go()) {
      const due = ((performance.now() - started) / 1000) * perSecond
      while (underWay.length < due) underWay.push(call())
      await sleep(4)
    }
  })()
  return { stopped, answered: stopped.then(() => Promise.all(underWay)).then(() => undefined) }
}
