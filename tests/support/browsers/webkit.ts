import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { freePort, waitUntil } from '../server.ts'
import { type BrowserUnderTest, keystrokes, type Tab } from './driver.ts'

const DRIVERS = ['/usr/bin/WebKitWebDriver', '/usr/bin/WebKitGTKWebDriver']
const driver = DRIVERS.find(path => existsSync(path))
const [browser] = globSync('/usr/lib/*/webkit2gtk-4*/MiniBrowser')

export const webkit = {
  what: "WebKitGTK's driver and a display without a screen (apt-get install webkit2gtk-driver xvfb)",
  there:
    driver !== undefined &&
    browser !== undefined &&
    spawnSync('Xvfb', ['-help'], { stdio: 'ignore' }).error === undefined,
}

/**
 * WebKitGTK's MiniBrowser, told what to do by WebDriver. It tells no driver of its console: see `eavesdrop.ts`.
 * @param trouble what the pages were heard to report
 */
export async function launchWebkit(trouble: string[]): Promise<BrowserUnderTest> {
  const { display, screen } = await startScreen()
  const port = await freePort()
  const child = spawn(driver ?? '', [`--port=${port}`, '--host=127.0.0.1'], {
    stdio: 'ignore',
    env: {
      ...process.env,
      DISPLAY: display,
      LANG: 'en_US.UTF-8',
      NO_AT_BRIDGE: '1',
      WEBKIT_DISABLE_COMPOSITING_MODE: '1',
    },
  })

  async function ask<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const { value } = (await answer.json()) as { value: T & { error?: string; message?: string } }
    if (!answer.ok) throw new Error(`${method} ${path}: ${value.error ?? answer.status} ${value.message ?? ''}`)
    return value
  }

  await waitUntil(
    () =>
      ask('GET', '/status').then(
        () => true,
        () => false,
      ),
    "WebKit's driver to listen",
  )
  const options = { 'webkitgtk:browserOptions': { binary: browser, args: ['--automation'] } }
  const { sessionId } = await ask<{ sessionId: string }>('POST', '/session', { capabilities: { alwaysMatch: options } })
  const session = `/session/${sessionId}`
  // A command is for the tab that was chosen last: nothing comes between the choice and the command.
  let turn: Promise<unknown> = Promise.resolve()
  let first = true

  async function newTab(): Promise<Tab> {
    const handle = first
      ? await ask<string>('GET', `${session}/window`)
      : (await ask<{ handle: string }>('POST', `${session}/window/new`, { type: 'tab' })).handle
    first = false
    const inTab = <T>(method: string, path: string, body: object): Promise<T> => {
      const next = turn.then(async () => {
        await ask('POST', `${session}/window`, { handle })
        return ask<T>(method, session + path, body)
      })
      turn = next.catch(() => {})
      return next
    }
    return {
      goto: url => inTab('POST', '/url', { url }),
      back: () => inTab('POST', '/back', {}),
      bringToFront: () => inTab('POST', '/execute/sync', { script: 'window.focus()', args: [] }),
      type: text =>
        inTab('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions: keystrokes(text) }] }),
      async evaluate<T>(expression: string): Promise<T> {
        const script = `const done = arguments[arguments.length - 1]; Promise.resolve(${expression}).then(value => done({ json: JSON.stringify(value ?? null) }), error => done({ error: String(error) }))`
        const { json, error } = await inTab<{ json?: string; error?: string }>('POST', '/execute/async', {
          script,
          args: [],
        })
        if (json === undefined) throw new Error(`${expression}: ${error ?? 'no value'}`)
        return JSON.parse(json) as T
      },
    }
  }

  async function close(): Promise<void> {
    await ask('DELETE', session).catch(() => {})
    await Promise.all([ended(child), ended(screen)])
  }

  return { newTab, trouble, close }
}

/** It chooses a display that is free, and tells which. */
async function startScreen(): Promise<{ display: string; screen: ChildProcess }> {
  const screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  let said = ''
  ;(screen.stdio[3] as Readable).on('data', chunk => (said += String(chunk)))
  await waitUntil(() => said.includes('\n'), 'a display')
  return { display: `:${said.trim()}`, screen }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const end = new Promise(done => child.once('exit', done))
  child.kill()
  await end
}
