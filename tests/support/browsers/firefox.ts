import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { waitUntil } from '../server.ts'
import { type BrowserUnderTest, keystrokes, type Tab } from './driver.ts'

const PROGRAM = 'firefox-esr'

export const firefox = {
  what: 'Firefox (apt-get install firefox-esr)',
  there: spawnSync(PROGRAM, ['--version'], { stdio: 'ignore' }).status === 0,
}

/**
 * Debian's Firefox as it is, told what to do by WebDriver BiDi, which it speaks by itself.
 * @see https://w3c.github.io/webdriver-bidi/
 */
export async function launchFirefox(): Promise<BrowserUnderTest> {
  const profile = mkdtempSync(join(tmpdir(), 'porchlight-firefox-'))
  const child = spawn(PROGRAM, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: profile, LANG: 'en_US.UTF-8' },
  })
  const wire = await connect(child)
  const trouble: string[] = []
  wire.on('log.entryAdded', ({ level, text }) => {
    if (level === 'error' || /hydration|vue warn/i.test(String(text))) trouble.push(String(text))
  })
  await wire.ask('session.new', { capabilities: {} })
  await wire.ask('session.subscribe', { events: ['log.entryAdded'] })

  async function newTab(): Promise<Tab> {
    const { context } = await wire.ask('browsingContext.create', { type: 'tab' })
    return {
      goto: async url => void (await wire.ask('browsingContext.navigate', { context, url, wait: 'complete' })),
      back: async () => void (await wire.ask('browsingContext.traverseHistory', { context, delta: -1 })),
      bringToFront: async () => void (await wire.ask('browsingContext.activate', { context })),
      // Whoever types, looks at the page: one in the background takes no keys.
      async type(text) {
        await wire.ask('browsingContext.activate', { context })
        await wire.ask('input.performActions', {
          context,
          actions: [{ type: 'key', id: 'keyboard', actions: keystrokes(text) }],
        })
      },
      async evaluate<T>(expression: string): Promise<T> {
        const { type, result, exceptionDetails } = await wire.ask('script.evaluate', {
          expression: `Promise.resolve(${expression}).then(value => JSON.stringify(value ?? null))`,
          target: { context },
          awaitPromise: true,
        })
        if (type !== 'success') throw new Error(`${expression}: ${(exceptionDetails as { text: string }).text}`)
        return JSON.parse((result as { value: string }).value) as T
      },
    }
  }

  async function close(): Promise<void> {
    const ended = new Promise(done => child.once('exit', done))
    const patience = setTimeout(() => child.kill('SIGKILL'), 10_000)
    void wire.ask('browser.close', {}).catch(() => child.kill('SIGKILL'))
    await ended
    clearTimeout(patience)
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }

  return { newTab, trouble, close }
}

type Params = Record<string, unknown>
interface Message {
  id?: number
  type: 'success' | 'error' | 'event'
  method?: string
  params?: Params
  result?: Params
  error?: string
  message?: string
}
interface Wire {
  ask(method: string, params: Params): Promise<Params>
  on(event: string, hear: (params: Params) => void): void
}

async function connect(child: ChildProcess): Promise<Wire> {
  let said = ''
  child.stderr?.on('data', chunk => (said += String(chunk)))
  const address = () => /WebDriver BiDi listening on (ws:\S+)/.exec(said)?.[1]
  await waitUntil(
    () => address() !== undefined || child.exitCode !== null,
    'Firefox to listen; it wrote:\n',
    () => said,
    60_000,
  )
  const socket = new WebSocket(`${address() ?? ''}/session`)
  await new Promise((opened, failed) => socket.once('open', opened).once('error', failed))
  const asked = new Map<number, { done: (result: Params) => void; failed: (error: Error) => void }>()
  const heard = new Map<string, (params: Params) => void>()
  let count = 0
  socket.on('message', (data: Buffer) => {
    const { id, type, method = '', params = {}, result = {}, error, message } = JSON.parse(data.toString()) as Message
    if (type === 'event') return heard.get(method)?.(params)
    const waiting = asked.get(id ?? 0)
    asked.delete(id ?? 0)
    if (type === 'error') waiting?.failed(new Error(`${error ?? ''}: ${message ?? ''}`))
    else waiting?.done(result)
  })
  socket.on('close', () => asked.forEach(({ failed }) => failed(new Error('Firefox is gone'))))
  return {
    on: (event, hear) => void heard.set(event, hear),
    ask: (method, params) =>
      new Promise((done, failed) => {
        asked.set(++count, { done, failed })
        socket.send(JSON.stringify({ id: count, method, params }))
      }),
  }
}
