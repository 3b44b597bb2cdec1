import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Visitor } from '../../tests/support/client.ts'
import { freePort, temporaryFolder } from '../../tests/support/server.ts'
import { headersOf } from '../against.ts'
import { startBare } from '../baselines.ts'
import type { Bench } from '../figure.ts'
import { compare, type Contender, ratio } from './compare.ts'
import { PEERS, type Running, startNode } from './peer.ts'
import { claim, failedRow, type Options, type Row, type Section } from './section.ts'

interface Peer {
  name: string
  note: string
  signIn: string
  path: string
  start(port: number): Promise<Running>
}

const OURS = 'Porchlight'
const BARE = 'bare Hono'
const CACHED = 'Better Auth, cookie cache'
const json = (script: string) => join(PEERS, 'json', script)

const PEER_LIST: Peer[] = [
  {
    name: 'jose in Hono, HS256',
    note: 'a signed token, verified at each request; nothing can be ended',
    signIn: '/sign-in',
    path: '/session',
    start: port => startNode(json('jose.mjs'), [String(port), 'HS256'], { port }),
  },
  {
    name: 'jose in Hono, ES256',
    note: 'the same with a key pair',
    signIn: '/sign-in',
    path: '/session',
    start: port => startNode(json('jose.mjs'), [String(port), 'ES256'], { port }),
  },
  {
    name: CACHED,
    note: 'believes its cookie for up to an hour',
    signIn: '/api/auth/sign-up/email',
    path: '/api/auth/get-session',
    start: port => startNode(json('better-auth.mjs'), [String(port), temporaryFolder(), 'cache'], { port }),
  },
  {
    name: 'Better Auth',
    note: 'asks its database at each request',
    signIn: '/api/auth/sign-up/email',
    path: '/api/auth/get-session',
    start: port => startNode(json('better-auth.mjs'), [String(port), temporaryFolder(), 'plain'], { port }),
  },
  {
    name: 'nuxt-auth-utils',
    note: 'a sealed cookie in Nitro; nothing can be ended',
    signIn: '/api/sign-in',
    path: '/api/_auth/session',
    start: startNuxt,
  },
  {
    name: 'iron-session',
    note: 'a sealed cookie on node:http; nothing can be ended',
    signIn: '/sign-in',
    path: '/session',
    start: port => startNode(json('iron-session.mjs'), [String(port)], { port }),
  },
  {
    name: 'express-session',
    note: 'Express, better-sqlite3',
    signIn: '/sign-in',
    path: '/session',
    start: port => startNode(json('express-session.mjs'), [String(port), temporaryFolder()], { port }),
  },
]

/** Who is signed in, as JSON: the question that every open tab asks. */
export async function measureSessions(bench: Bench, options: Options, say: (line: string) => void): Promise<Section> {
  const running: Running[] = []
  const failed: Row[] = []
  const contenders: Contender[] = [await ours(bench)]
  const bare = await startLimit(bench)
  try {
    contenders.push(bare.contender)
    for (const peer of PEER_LIST) {
      try {
        const server = await peer.start(await freePort())
        running.push(server)
        contenders.push({
          name: peer.name,
          note: peer.note,
          pid: server.pid,
          port: server.port,
          path: peer.path,
          headers: await signedIn(peer, server),
        })
      } catch (error) {
        failed.push(failedRow(peer.name, peer.note, error))
      }
    }
    const comparison = await compare(contenders, { method: 'GET', bodyBytes: 0, connections: 16 }, options, say)
    // By processor time: what a core can answer, whatever else the machine does meanwhile.
    const against = (other: string, least: number) =>
      claim(
        'who is signed in, per core',
        1 / ratio(comparison, OURS, other, 'cpuMs'),
        `× ${other}`,
        { least },
        `by rate ${ratio(comparison, OURS, other, 'rate').toFixed(2)}`,
      )
    return {
      title: 'Who is signed in, as JSON',
      method:
        'GET of the session as each of them offers it, with the cookies of somebody who has signed in there; 16 connections, one request at a time on each.',
      columns: [
        { key: 'rate', title: 'answers per second', digits: 0, plotted: true },
        { key: 'cpuMicros', title: 'µs of processor time per answer', digits: 0, plotted: false },
        { key: 'p50', title: 'median, ms', digits: 2, plotted: false },
        { key: 'p99', title: 'p99, ms', digits: 2, plotted: false },
      ],
      rows: [...comparison.rows, ...failed],
      figures: [against(BARE, 0.85), against(CACHED, 8)],
    }
  } finally {
    bare.stop()
    await Promise.all(running.map(server => server.stop()))
  }
}

async function ours({ server, browser }: Bench): Promise<Contender> {
  return {
    name: OURS,
    note: 'ends at once when it is ended, renews itself, logs every request',
    pid: server.pid,
    port: server.port,
    path: '/auth/session',
    headers: headersOf(browser),
  }
}

/** Hono giving our own bytes under our own headers, without a look at the request. */
async function startLimit({ browser }: Bench): Promise<{ contender: Contender; stop(): void }> {
  const path = '/auth/session'
  const answer = await browser.get(path)
  const leftOut = new Set(['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding', 'set-cookie'])
  const headers = Object.fromEntries(
    Object.entries(answer.headers)
      .filter(([name]) => !leftOut.has(name))
      .map(([name, value]) => [name, String(value)]),
  )
  const port = await freePort()
  const child = await startBare('bare-hono', { port, path, body: answer.json(), headers })
  const contender = {
    name: BARE,
    note: 'the limit: a fixed answer',
    pid: child.pid ?? 0,
    port,
    path,
    headers: headersOf(browser),
  }
  return { contender, stop: () => void child.kill() }
}

/**
 * Signs somebody in and makes sure that the answer which is measured depends on it.
 * @returns the headers of their next request
 */
async function signedIn(peer: Peer, { port }: Running): Promise<Record<string, string>> {
  const person = { email: 'robin@example.org', name: 'Robin Hartley', password: 'quiet lantern 0123456789' }
  const browser = new Visitor(`http://localhost:${port}`)
  const made = await browser.post(peer.signIn, person)
  const answer = await browser.get(peer.path)
  const stranger = await browser.stranger().get(peer.path)
  if (answer.status !== 200 || !answer.text.includes(person.email))
    throw new Error(`signing in answered ${made.status}, the session ${answer.status}: ${answer.text.slice(0, 200)}`)
  if (stranger.text.includes(person.email)) throw new Error('it says the same to a stranger')
  return headersOf(browser)
}

/** Nuxt builds once: again when its sources or versions are newer. */
async function startNuxt(port: number): Promise<Running> {
  const folder = join(PEERS, 'nuxt-auth-utils')
  const entry = join(folder, '.output/server/index.mjs')
  const sources = [
    join(folder, 'nuxt.config.ts'),
    join(folder, 'server/api/sign-in.post.ts'),
    join(PEERS, 'package-lock.json'),
  ]
  if (!existsSync(entry) || sources.some(file => statSync(file).mtimeMs > statSync(entry).mtimeMs)) {
    await promisify(execFile)(process.execPath, [join(PEERS, 'node_modules/nuxt/bin/nuxt.mjs'), 'build', folder], {
      cwd: PEERS,
      maxBuffer: 64 * 1024 * 1024,
    })
  }
  return startNode(entry, [], {
    port,
    env: {
      PORT: String(port),
      HOST: '127.0.0.1',
      NUXT_SESSION_PASSWORD: 'a password of this bench and of nothing else, 0123456789',
    },
  })
}
