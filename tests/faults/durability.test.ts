import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { ResetLinkAnswer } from '../../server/contract/wire.ts'
import { databaseFile } from '../../server/store/sqlite/files.ts'
import { Visitor } from '../support/client.ts'
import { codeIn, invite, somebody } from '../support/people.ts'
import { providerStage } from '../support/provider-stage.ts'
import { begin, pathOf, walkThroughProvider } from '../support/provider-visit.ts'
import { ALMA } from '../support/provider.ts'
import { type Server, sleep, SETUP_CODE, startServer, stopAll } from '../support/server.ts'
import { LoggedBrowser } from '../support/faults/browser.ts'
import { type Crowd, gather } from '../support/faults/crowd.ts'
import { report } from '../support/faults/figures.ts'
import { strace, testWith } from '../support/faults/machine.ts'
import { attach } from '../support/faults/strace.ts'

const LATE_MS = 1000
const AT_ONCE = 50
const SETTINGS = { ACCESS_SECONDS: '300', REFRESH_CONFIRM_SECONDS: '0', REFRESH_GRACE_SECONDS: '1', LOG_LEVEL: 'warn' }

/** The write-ahead log's name, as strace tells the file behind a descriptor. */
const WAL = `${basename(databaseFile(''))}-wal>`

let server: Server
let crowd: Crowd

beforeAll(async () => {
  server = await startServer({ settings: SETTINGS })
  crowd = await gather(server, AT_ONCE)
})
afterAll(stopAll)

const test = testWith(strace)

describe("what is acknowledged is on the disk: under strace, the log is synced between a request's arrival and its answer", () => {
  test('each of 20 renewals one after the other', async () => {
    await sleep(LATE_MS + 100)
    const names: string[] = []
    const trace = await traced(async () => {
      for (const browser of crowd.browsers.slice(0, 20)) names.push(await renew(browser))
    })
    expect(unsynced(trace, names)).toEqual([])
    report('durability', { renewals: names.length, syncs: syncsIn(trace).length })
  })

  test(`each of ${AT_ONCE} renewals at once`, async () => {
    await sleep(LATE_MS + 100)
    const names: string[] = []
    const trace = await traced(async () => {
      await Promise.all(crowd.browsers.map(async browser => names.push(await renew(browser))))
    })
    expect(unsynced(trace, names)).toEqual([])
    report('durability-at-once', { renewals: names.length, syncs: syncsIn(trace).length })
  })

  test('each use of a one-time link: set-up, invitation, reset; and each sign-in and sign-out', async () => {
    const fresh = await startServer({ settings: SETTINGS })
    const names = [
      'single-use-set-up',
      'single-use-invitation',
      'single-use-reset',
      'sign-in-durable',
      'sign-out-durable',
    ]
    const [setUp = '', invitation = '', reset = '', signIn = '', signOut = ''] = names
    const trace = await traced(async () => {
      const admin = new Visitor(fresh.origin)
      await accepted(admin, '/auth/setup', setUp, { code: SETUP_CODE, ...somebody() })
      const person = somebody()
      const made = await accepted(admin.stranger(), '/auth/register', invitation, {
        ...person,
        invite: await invite(admin),
      })
      const link = await admin.post(`/auth/people/${made.json<{ user: { id: string } }>().user.id}/reset`)
      const password = `${person.password} anew`
      await accepted(admin.stranger(), '/auth/reset', reset, {
        code: codeIn(link.json<ResetLinkAnswer>().href),
        password,
      })
      const browser = new LoggedBrowser(fresh.origin, { ...person, password })
      await accepted(browser, '/auth/login', signIn, { email: person.email, password })
      await accepted(browser, '/auth/logout', signOut, undefined)
    }, fresh)
    expect(unsynced(trace, names)).toEqual([])
  })

  test("the use of a sign-in's transaction, before the provider is asked; and the sign-in, before it is answered", async () => {
    const stage = await providerStage({ plain: {} }, SETTINGS)
    const names = ['transaction-0', 'transaction-1', 'transaction-2']
    const trace = await traced(async () => {
      for (const name of names) {
        const browser = new Visitor(stage.origin)
        const back = await walkThroughProvider(
          new Visitor(stage.at('plain').issuer),
          await begin(browser, { as: 'plain', returnTo: '/account' }),
          ALMA,
        )
        const answer = await browser.page(pathOf(back), { 'sec-fetch-site': 'cross-site', 'x-request-id': name })
        expect([answer.status, answer.headers.location]).toEqual([303, '/account'])
      }
    }, stage.server)
    expect(unsynced(trace, names, line => line.includes('POST /token HTTP/1.1'))).toEqual([])
    expect(unsynced(trace, names)).toEqual([])
    await stage.stop()
  })
})

async function accepted(browser: Visitor, path: string, name: string, body: unknown) {
  const answer = await browser.post(path, body, { 'x-request-id': name })
  expect(answer.status, `${path}: ${answer.text}`).toBe(200)
  return answer
}

/** @returns the request's name, which is in its own bytes and in its answer's */
async function renew(browser: LoggedBrowser): Promise<string> {
  const before = browser.generation
  const name = `renewal-${browser.sidHash.slice(0, 12)}-${before}-end`
  browser.letAccessEnd()
  const answer = await browser.get('/auth/session', { 'x-request-id': name })
  expect(answer.status).toBe(200)
  expect(browser.generation).toBe(before + 1)
  return name
}

/** Every sync of the log, and every byte read and written, while `work` is done. */
async function traced(work: () => Promise<void>, of: Server = server): Promise<string> {
  const tracer = await attach(of.pid, [
    '-y',
    '-s',
    '4096',
    '-e',
    'trace=fsync,fdatasync,pwrite64,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg',
  ])
  try {
    await work()
  } finally {
    await tracer.detach()
  }
  return tracer.trace()
}

/**
 * Line numbers at which the write-ahead log had been synced. Lines stand in the order of time; a call that was
 * interrupted by another thread's counts from where it began, and is over where it was resumed.
 */
function syncsIn(trace: string): { begun: number; over: number }[] {
  const begun = new Map<string, number>()
  const syncs: { begun: number; over: number }[] = []
  for (const [at, line] of trace.split('\n').entries()) {
    const thread = line.split(' ')[0] ?? ''
    if (/ f(data)?sync\(/.test(line) && line.includes(WAL)) {
      if (line.includes('unfinished')) begun.set(thread, at)
      else if (line.endsWith('= 0')) syncs.push({ begun: at, over: at })
    } else if (/<\.\.\. f(data)?sync resumed>/.test(line)) {
      const from = begun.get(thread)
      begun.delete(thread)
      if (from !== undefined && line.endsWith('= 0')) syncs.push({ begun: from, over: at })
    }
  }
  return syncs
}

/**
 * Requests that were answered although the log was not synced after they arrived, or not to its last byte.
 * @param leaves what of a request must not leave before; its answer unless said otherwise
 */
function unsynced(
  trace: string,
  names: readonly string[],
  leaves = (line: string, name: string) => /HTTP\/1\.1 [23]0\d/.test(line) && line.includes(name),
): string[] {
  const lines = trace.split('\n')
  const syncs = syncsIn(trace)
  return names.flatMap(name => {
    const arrived = lines.findIndex(
      line =>
        /(read|recv\w*)\(|resumed>/.test(line) &&
        /x-request-id: /i.test(line) &&
        line.includes(`: ${name}`) &&
        !/HTTP\/1\.1 [23]0\d/.test(line),
    )
    const left = lines.findIndex((line, at) => at > arrived && leaves(line, name))
    if (arrived === -1 || left === -1)
      return [`${name} was not seen ${arrived === -1 ? 'to arrive' : 'to be answered'}`]
    const written = lines.findLastIndex((line, at) => at < left && line.includes('pwrite64(') && line.includes(WAL))
    return syncs.some(sync => sync.begun > Math.max(arrived, written) && sync.over < left)
      ? []
      : [`${name} was answered before the log was synced`]
  })
}
