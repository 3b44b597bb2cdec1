import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { NODE, ROOT, type Settings, serverEnvironment, waitUntil } from './server.ts'

/**
 * A supervisor with socket activation, as systemd has it: opens sockets, never accepts on them itself, and starts a
 * server that inherits them, again whenever it has ended. Its event loop is blocked while the server runs, which is
 * what keeps it from accepting.
 */
const SUPERVISOR = `
const net = require('node:net'), { spawnSync } = require('node:child_process')
const [places, ...command] = process.argv.slice(1)
const sockets = []
const open = JSON.parse(places).map(place => new Promise(done => {
  const server = net.createServer().listen(place, done)
  sockets.push(server)
}))
Promise.all(open).then(() => {
  const stdio = ['ignore', 'inherit', 'inherit', ...sockets.map(socket => socket._handle.fd)]
  const start = 'export LISTEN_PID=$$ LISTEN_FDS=' + sockets.length + '; echo supervised $$; exec "$@"'
  for (;;) {
    const { status, signal } = spawnSync('sh', ['-c', start, 'sh', ...command], { stdio })
    console.log('ended ' + (signal ?? status))
    // systemd's RestartSec.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  }
})
`

/** Where a supervisor listens. */
export type Place = { port: number; host: '127.0.0.1' } | { path: string }

export class Supervisor {
  readonly #child: ChildProcess
  #output = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', data => (this.#output += String(data)))
  }

  static start(places: Place[], settings: Settings): Supervisor {
    const command = [NODE, join(ROOT, 'server/porchlight.mjs'), 'start']
    const child = spawn(process.execPath, ['-e', SUPERVISOR, '--', JSON.stringify(places), ...command], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: serverEnvironment(settings),
    })
    const supervisor = new Supervisor(child)
    running.add(supervisor)
    return supervisor
  }

  get output(): string {
    return this.#output
  }

  /** Ids of the servers that it has started, the present one last. */
  get pids(): number[] {
    return [...this.#output.matchAll(/^supervised (\d+)$/gm)].map(([, pid]) => Number(pid))
  }

  /** How the servers before ended: 0, or the name of a signal. */
  get ends(): string[] {
    return [...this.#output.matchAll(/^ended (\w+)$/gm)].map(([, end]) => end ?? '')
  }

  /** Ends the present server with a signal, and waits until the next one has been started. */
  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const before = this.pids
    process.kill(before.at(-1) ?? 0, signal)
    await waitUntil(
      () => this.pids.length > before.length,
      'the next server',
      () => this.#output,
      60_000,
    )
  }

  async listening(): Promise<void> {
    const count = () => this.#output.match(/"event":"server_listening"/g)?.length ?? 0
    await waitUntil(
      () => count() >= this.pids.length && this.pids.length > 0,
      'the server to listen',
      () => this.#output,
      60_000,
    )
  }

  stop(): void {
    this.#child.kill('SIGKILL')
    try {
      process.kill(this.pids.at(-1) ?? 0, 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }
}

const running = new Set<Supervisor>()

export function stopSupervisors(): void {
  for (const supervisor of running) supervisor.stop()
  running.clear()
}
