import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { WebSocketServer } from 'ws'
import { type InstalledFolder, installIntoEmptyFolder } from './package.ts'
import { freePort, ROOT, SETUP_CODE, statusOf, waitUntil } from './server.ts'

/** Somebody's Nuxt: what `npm create nuxt` installs. Vite 8.4 does not build a fresh one, with no module at all. */
const NUXT = ['nuxt@4.5.2', 'vue@^3.5.45', 'vue-router@^5.0.0', 'vite@8.3.8']

export interface NuxtApp extends InstalledFolder {
  /** Runs `nuxt build`, and so on; rejects with its output. */
  nuxt(...args: string[]): Promise<{ stdout: string; stderr: string }>
  /** Starts a program, in the folder unless told otherwise, and waits until it is ready at a port of its own. */
  start(program: readonly string[], settings?: Record<string, string>, folder?: string): Promise<RunningApp>
  edit(file: string, change: (content: string) => string): void
}

export interface RunningApp {
  port: number
  origin: string
  output(): string
  /** @returns the exit code */
  stop(): Promise<number | null>
}

export const BUILT = ['node', '.output/server/index.mjs']

/**
 * Installs the packed package into a folder with an application of tests/apps/.
 * @param more further packages
 */
export async function installNuxtApp(tarball: string, fixture: string, more: string[] = []): Promise<NuxtApp> {
  const installed = await installIntoEmptyFolder(tarball, ...NUXT, ...more)
  const { folder, environment } = installed
  cpSync(join(ROOT, 'tests/apps', fixture), folder, { recursive: true })
  Object.assign(environment, { NUXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1', CI: '1' })
  return {
    ...installed,
    nuxt: (...args) => installed.run('npx', 'nuxt', ...args),
    start: (program, settings, at = folder) => start({ ...installed, folder: at }, program, settings),
    edit(file, change) {
      const path = join(folder, file)
      writeFileSync(path, change(readFileSync(path, 'utf8')))
    },
  }
}

async function start(
  { folder, environment }: InstalledFolder,
  [program = '', ...args]: readonly string[],
  settings: Record<string, string> = {},
): Promise<RunningApp> {
  const port = await freePort()
  const child: ChildProcess = spawn(program, args, {
    cwd: folder,
    env: {
      ...environment,
      PORT: String(port),
      PORCHLIGHT_SETUP_CODE: SETUP_CODE,
      PORCHLIGHT_TRUSTED_PROXIES: '127.0.0.1',
      ...settings,
    },
    // npx does not forward signals, so the whole group gets them.
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (output += String(chunk)))
  const ended = new Promise<number | null>(done => child.on('exit', done))
  const stop = async (signal: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, signal)
    return ended
  }
  process.once('exit', () => void stop('SIGKILL'))
  await waitUntil(
    async () => {
      if (child.exitCode !== null) throw new Error(`the application ended before it was ready:\n${output}`)
      return (await statusOf(port, '/readyz')) === 200
    },
    'the application to be ready; it wrote:\n',
    () => output,
    60_000,
  )
  return { port, origin: `http://localhost:${port}`, output: () => output, stop: () => stop('SIGTERM') }
}

export interface TokenUpstream {
  origin: string
  stop(): Promise<void>
}

/** An API that answers with what the token says that it got; its WebSocket, too. */
export async function startTokenUpstream(): Promise<TokenUpstream> {
  const server = http.createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(claimsOf(request)))
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => socket.send(JSON.stringify(claimsOf(request))))
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise(done => {
        for (const client of sockets.clients) client.terminate()
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** Unverified: that the token is good is shown elsewhere. */
function claimsOf({ headers }: http.IncomingMessage): { audience: unknown; subject: unknown } {
  const [, payload = ''] = (headers.authorization ?? '').split('.')
  const claims = (payload === '' ? {} : JSON.parse(Buffer.from(payload, 'base64url').toString())) as Record<
    string,
    unknown
  >
  return { audience: claims['aud'] ?? null, subject: claims['sub'] ?? null }
}

/** Opens a WebSocket of the page, says hello, and waits for so many messages. */
export function firstMessages(page: Page, path: string, count: number): Promise<string[]> {
  return page.evaluate(`new Promise((done, failed) => {
    const socket = new WebSocket(${JSON.stringify(path)})
    const heard = []
    socket.onopen = () => socket.send('hello')
    socket.onerror = () => failed(new Error('the connection was refused'))
    socket.onmessage = ({ data }) => {
      if (heard.push(data) < ${count}) return
      socket.close()
      done(heard)
    }
  })`)
}
