import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { MINUTE, systemClock } from '../../base/clock.ts'
import { CODE_EXTENSION } from '../../base/code-extension.ts'
import { randomId } from '../../base/ids.ts'
import { OperatorError } from '../../base/operator-error.ts'
import { ENVIRONMENT_PREFIX } from '../../config/settings.ts'
import { NAME } from '../../contract/name.ts'
import { type Answer, Browser, type Place } from '../proof/browser.ts'
import type { Visit } from './outside.ts'

/** The first start builds the site. */
const START_WITHIN_MS = 10 * MINUTE
/** Short enough to wait for, in proportions that the rules allow. */
const LIVES = { ACCESS_SECONDS: '4', REFRESH_CONFIRM_SECONDS: '1', REFRESH_GRACE_SECONDS: '2' }

interface OwnServerDeps {
  /** The environment of this process; its settings are left out. */
  env: NodeJS.ProcessEnv
  /** Prints a line of the server's output. */
  say: (line: string) => void
}

/**
 * Starts and sets up a server with a new data folder, and returns how to sign in there. `stop` leaves nothing behind.
 * @throws OperatorError if it does not start
 */
export async function startOwnServer(deps: OwnServerDeps): Promise<{ visit: Visit; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), `${NAME}-drill-`))
  const port = await freePort()
  const place: Place = { origin: `http://localhost:${port}`, host: '127.0.0.1', port, tls: false }
  const code = randomId(24)
  const server = startServer(deps, folder, {
    PUBLIC_URL: place.origin,
    PORT: String(port),
    DATA_DIR: join(folder, 'data'),
    SETUP_CODE: code,
    LOG_LEVEL: 'error',
    DEMO: 'false',
    ...LIVES,
  })
  const stop = async () => {
    await ended(server)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const person = { email: 'drill@example.org', password: randomId(24) }
    await untilReady(place, server)
    const answer = await new Browser(place, systemClock).ask({
      method: 'POST',
      path: '/auth/setup',
      body: json({ code, name: 'Drill', ...person }),
    })
    if (answer.status !== 200)
      throw new OperatorError(`The server could not be set up: it answered ${answer.status}.`, [answer.text])
    return {
      visit: {
        clock: systemClock,
        place,
        login: { method: 'POST', path: '/auth/login', body: json(person) },
        checkPath: '/auth/session',
        expect: null,
        accessMs: null,
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const json = (value: object) => ({ type: 'application/json', text: JSON.stringify(value) })

function startServer({ env, say }: OwnServerDeps, cwd: string, settings: Record<string, string>): ChildProcess {
  // This shell's settings and configuration file must not apply: the server runs in a folder of its own.
  const inherited = Object.entries(env).filter(([name]) => !name.startsWith(ENVIRONMENT_PREFIX))
  const given = Object.entries(settings).map(([name, value]) => [ENVIRONMENT_PREFIX + name, value])
  const server = spawn(
    process.execPath,
    [fileURLToPath(new URL(`../../cli${CODE_EXTENSION}`, import.meta.url)), 'start'],
    {
      cwd,
      env: Object.fromEntries([...inherited, ...given]) as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  for (const stream of [server.stdout, server.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => say(text.trimEnd()))
  process.once('exit', () => server.kill('SIGKILL'))
  return server
}

async function untilReady(place: Place, server: ChildProcess): Promise<void> {
  const startedAt = systemClock.now().steady
  const ready = (answer: Answer | null) => answer?.status === 200
  while (!ready(await new Browser(place, systemClock).get('/readyz').catch(() => null))) {
    if (server.exitCode !== null || server.signalCode !== null) throw new OperatorError('The server did not start.')
    if (systemClock.now().steady - startedAt > START_WITHIN_MS) throw new OperatorError('The server did not get ready.')
    await sleep(50)
  }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = new Promise(resolve => server.once('exit', resolve))
  server.kill('SIGTERM')
  await gone
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
