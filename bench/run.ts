// npm run bench: ratios against bare baselines, measured in one run and in turn, so that they mean the same on any machine.
import { type ChildProcess, execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Visitor } from '../tests/support/client.ts'
import { setUp } from '../tests/support/people.ts'
import { freePort, type Server, startServer, stopAll, temporaryFolder } from '../tests/support/server.ts'
import { ensureSiteBuilt } from '../web/build.ts'
import { startBare } from './baselines.ts'
import { alternately, drive, type LoadOrder, median } from './load.ts'
import { gzipSize, scriptsOf, SIGN_IN_BUDGET } from './page-weight.ts'
import { idleMegabytes, millisecondsToFirstPage } from './start.ts'
import { measureVault } from './vault.ts'

interface Figure { what: string, measured: number, unit: string, target: string, met: boolean, detail: string }

const ROUNDS = 5
const SECONDS = 2
const CONNECTIONS = 16

const say = (line: string) => void process.stdout.write(`${line}\n`)

async function sessionRoute(server: Server, browser: Visitor): Promise<Figure> {
  const path = '/auth/session'
  const answer = await browser.get(path)
  // What a server adds by itself on both sides is left to it.
  const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding', 'set-cookie'].includes(name)).map(([name, value]) => [name, String(value)]))
  const port = await freePort()
  const bare = await startBare('bare-hono', { port, path, body: answer.json(), headers })
  const order = { path, headers: headersOf(browser), connections: CONNECTIONS, seconds: SECONDS }
  return { what: 'GET /auth/session, signed in', unit: '× bare Hono', ...await against(server, { child: bare, port }, order, 0.7) }
}

async function signedInPage(server: Server, browser: Visitor, entry: string): Promise<Figure> {
  const port = await freePort()
  const bare = await startBare('bare-nuxt', { port, entry, session: await browser.session() })
  const order = { path: '/account', headers: headersOf(browser), connections: CONNECTIONS, seconds: SECONDS }
  return { what: 'page /account, signed in', unit: '× the same build alone', ...await against(server, { child: bare, port }, order, 0.9) }
}

/** Our rate as a part of a bare server's, round by round. */
async function against(server: Server, bare: { child: ChildProcess, port: number }, order: Omit<LoadOrder, 'port'>, least: number): Promise<Pick<Figure, 'measured' | 'target' | 'met' | 'detail'>> {
  const pairs = await alternately(ROUNDS, () => drive(server.pid, { ...order, port: server.port }), () => drive(bare.child.pid ?? 0, { ...order, port: bare.port }))
  bare.child.kill()
  const measured = median(pairs.map(pair => pair.ours.rate / pair.bare.rate))
  const rate = (side: 'ours' | 'bare') => Math.round(median(pairs.map(pair => pair[side].rate)))
  const cpu = median(pairs.map(pair => pair.bare.cpuMs / pair.ours.cpuMs)).toFixed(2)
  return { measured, target: `≥ ${least}`, met: measured >= least, detail: `${rate('ours')} against ${rate('bare')} per second; by processor time ${cpu}` }
}

async function renewal(): Promise<Figure> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'processes/renewal.ts')])
  const pairs = JSON.parse(stdout) as { ours: number, bare: number }[]
  const measured = median(pairs.map(({ ours, bare }) => ours / bare))
  const micros = (side: 'ours' | 'bare') => Math.round(median(pairs.map(pair => pair[side])))
  return { what: 'renewal, on disk', measured, unit: '× a bare durable update', target: '≤ 2', met: measured <= 2, detail: `${micros('ours')} µs against ${micros('bare')} µs` }
}

async function start(dataDir: string): Promise<Figure> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) times.push(await millisecondsToFirstPage(dataDir))
  const measured = median(times)
  return { what: 'start to first page', measured, unit: 'ms', target: '≤ 600', met: measured <= 600, detail: times.map(Math.round).join(', ') }
}

async function memory(dataDir: string): Promise<Figure> {
  const server = await startServer({ dataDir })
  const measured = await idleMegabytes(server)
  await server.stop()
  return { what: 'memory, idle', measured, unit: 'MB', target: '≤ 130', met: measured <= 130, detail: 'resident, after start' }
}

async function signInScripts(browser: Visitor, root: string): Promise<Figure> {
  const scripts = scriptsOf((await browser.stranger().page('/sign-in')).text)
  const bytes = gzipSize(root, scripts)
  return { what: 'JavaScript of /sign-in', measured: bytes / 1000, unit: 'KB gzip', target: `≤ ${SIGN_IN_BUDGET / 1000}`, met: scripts.length > 0 && bytes <= SIGN_IN_BUDGET, detail: `${scripts.length} files` }
}

function headersOf(browser: Visitor): Record<string, string> {
  return { 'Host': new URL(browser.origin).host, 'User-Agent': browser.userAgent, 'Accept': '*/*', 'Accept-Language': 'en', 'Sec-Fetch-Site': 'same-origin', 'Cookie': browser.jar.header() ?? '' }
}

function table(figures: Figure[]): string {
  const rows = figures.map(({ what, measured, unit, target, met, detail }) => [what, `${measured < 10 ? measured.toFixed(2) : Math.round(measured)} ${unit}`, target, met ? 'met' : 'MISSED', detail])
  const widths = [0, 1, 2, 3].map(column => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ').trimEnd()).join('\n')
}

try {
  const site = await ensureSiteBuilt(say)
  // With its log on, as in production; into a file, so that nobody's time goes into reading it.
  const server = await startServer({ outputFile: join(temporaryFolder(), 'server.log') })
  const { browser } = await setUp(server.origin)
  const figures = [
    await sessionRoute(server, browser),
    await signedInPage(server, browser, site.entry),
    await signInScripts(browser, site.root),
  ]
  await server.stop()
  figures.push(await start(server.dataDir), await memory(server.dataDir), await renewal(), ...await measureVault())

  say(`\n${table(figures)}\n`)
  const folder = join(import.meta.dirname, '../.cache')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'bench.json'), `${JSON.stringify({ at: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, figures }, null, 2)}\n`)
  if (figures.some(figure => !figure.met)) process.exitCode = 1
}
finally {
  await stopAll()
}
