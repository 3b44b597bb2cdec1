import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../..')
export const NODE = join(ROOT, 'node_modules/.bin/node')

/** 22 characters at least: the set-up code that tests preset. */
export const SETUP_CODE = 'test-setup-code-0123456789abcdef'

export type Settings = Record<string, string | null>

export interface StartOptions {
  /** Settings without their prefix: `{ ACCESS_SECONDS: '4' }`; null takes one of the tests' own away. */
  settings?: Settings
  dataDir?: string
  port?: number
  /** Where people find the site; the listener's own address unless said otherwise. */
  publicUrl?: string
  /** A file for its output instead of `output`: for those that write a lot. */
  outputFile?: string
  /** A program that starts it and stays out of its way, with arguments: a tracer. */
  under?: string[]
  /** Variables of the environment that are not settings. */
  environment?: Record<string, string>
  /** Options of `porchlight start`. */
  args?: string[]
}

/** A server process under test: the real command, a folder of its own, a port of its own. */
export class Server {
  readonly port: number
  readonly origin: string
  readonly dataDir: string
  readonly #child: ChildProcess
  #output = ''
  readonly #exited: Promise<number | null>

  constructor(child: ChildProcess, facts: { port: number; origin: string; dataDir: string }) {
    this.#child = child
    this.port = facts.port
    this.origin = facts.origin
    this.dataDir = facts.dataDir
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (this.#output += String(chunk)))
    this.#exited = new Promise(done => child.on('exit', code => done(code)))
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the server never started')
    return this.#child.pid
  }

  /** Everything it has written to stdout and stderr. */
  get output(): string {
    return this.#output
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /**
   * Sends a signal and waits for the end.
   * @returns the exit code; null: killed by the signal
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.running) this.#child.kill(signal)
    return this.#exited
  }

  exit(): Promise<number | null> {
    return this.#exited
  }
}

const running = new Set<Server>()
const folders = new Set<string>()

/** Starts a server and waits until it is ready. Stopped by `stopAll`. */
export async function startServer(options: StartOptions = {}): Promise<Server> {
  const server = await spawnServer(options)
  await waitUntil(
    async () => {
      if (!server.running) throw new Error(`the server ended before it was ready:\n${server.output}`)
      return (await statusOf(server.port, '/readyz')) === 200
    },
    'the server to be ready; it wrote:\n',
    () => server.output,
    60_000,
  )
  return server
}

/** Starts a server and does not wait: for those that should refuse to start. */
export async function spawnServer(options: StartOptions = {}): Promise<Server> {
  const port = options.port ?? (await freePort())
  const origin = options.publicUrl ?? `http://localhost:${port}`
  const dataDir = options.dataDir ?? temporaryFolder()
  const settings = {
    PUBLIC_URL: origin,
    PORT: String(port),
    DATA_DIR: dataDir,
    SETUP_CODE,
    LOG_LEVEL: 'info',
    TRUSTED_PROXIES: '127.0.0.1',
    ...options.settings,
  }
  const output = options.outputFile === undefined ? 'pipe' : openSync(options.outputFile, 'a')
  const [program = NODE, ...before] = options.under === undefined ? [] : [...options.under, NODE]
  const child = spawn(program, [...before, join(ROOT, 'server/porchlight.mjs'), 'start', ...(options.args ?? [])], {
    cwd: ROOT,
    stdio: ['ignore', output, output],
    env: { ...serverEnvironment(settings), ...options.environment },
  })
  const server = new Server(child, { port, origin, dataDir })
  running.add(server)
  return server
}

/** Runs a command line of ours to its end, against the data folder of `server` unless told otherwise. */
export async function runCommand(
  args: string[],
  options: { dataDir: string; settings?: Settings; input?: string; environment?: Record<string, string> },
): Promise<{ code: number | null; output: string }> {
  const settings: Settings = { DATA_DIR: options.dataDir, ...options.settings }
  const child = spawn(NODE, [join(ROOT, 'server/porchlight.mjs'), ...args], {
    cwd: ROOT,
    env: { ...serverEnvironment(settings), ...options.environment },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
  child.stdin.end(options.input ?? '')
  const code = await new Promise<number | null>(done => child.on('exit', done))
  return { code, output }
}

/** Ends every server of this file and removes their folders. Call it in afterAll. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(server => server.stop('SIGKILL')))
  running.clear()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  folders.clear()
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'porchlight-test-'))
  folders.add(folder)
  return folder
}

/**
 * A port nobody listens on right now. It is below those that the kernel gives to connections: one of these could take
 * it before the server that it is for does.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000)
    const free = await new Promise<boolean>(done => {
      const probe = net.createServer().on('error', () => done(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)))
    })
    if (free) return port
  }
}

export function statusOf(port: number, path: string): Promise<number | null> {
  return new Promise(done => {
    http
      .get({ host: '127.0.0.1', port, path, agent: false }, response => {
        response.resume()
        done(response.statusCode ?? null)
      })
      .on('error', () => done(null))
  })
}

/** Asks again and again until the answer is yes. Generous: a busy machine is slow, not wrong. */
export async function waitUntil(
  ask: () => boolean | Promise<boolean>,
  what: string,
  more: () => string = () => '',
  withinMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await ask())) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}${more()}`)
    await sleep(40)
  }
}

export const sleep = (ms: number) => new Promise<void>(done => setTimeout(done, ms))

/** Settings in the developer's shell must not leak into a server under test. */
export function serverEnvironment(settings: Settings): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('PORCHLIGHT_') && name !== 'NODE_ENV' && !name.startsWith('VITEST'),
  )
  const given = Object.entries(settings)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [`PORCHLIGHT_${name}`, value])
  return Object.fromEntries([...inherited, ...given]) as NodeJS.ProcessEnv
}
