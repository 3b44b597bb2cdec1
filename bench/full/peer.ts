import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sleep } from '../../tests/support/server.ts'

export const PEERS = join(import.meta.dirname, '../peers')

export interface Running {
  pid: number
  port: number
  stop(): Promise<void>
}

const children = new Set<ChildProcess>()

/** Installs the peers' own package, unless it is there as its lock file says. */
export async function installPeers(say: (line: string) => void): Promise<void> {
  const installed = join(PEERS, 'node_modules/.package-lock.json')
  if (existsSync(installed) && sameVersions(installed)) return
  say('Installing what is measured beside us (bench/peers), once …')
  await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd: PEERS, maxBuffer: 64 * 1024 * 1024 })
}

function sameVersions(installed: string): boolean {
  const { dependencies } = JSON.parse(readFileSync(join(PEERS, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const { packages } = JSON.parse(readFileSync(installed, 'utf8')) as { packages: Record<string, { version: string }> }
  return Object.entries(dependencies).every(([name, version]) => packages[`node_modules/${name}`]?.version === version)
}

/**
 * Starts a program and waits until its port takes connections.
 * @throws Error with the end of what it wrote, when it ends before that, is missing, or takes longer than a minute
 */
export async function startProgram(
  command: string,
  args: string[],
  { port, env = {}, cwd = PEERS }: { port: number; env?: Record<string, string>; cwd?: string },
): Promise<Running> {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  })
  children.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => (output = (output + String(chunk)).slice(-2000)))
  let ended: string | null = null
  const exited = new Promise<void>(done => {
    child.on('error', error => {
      ended = error.message
      done()
    })
    child.on('exit', (code, signal) => {
      ended ??= `it ended with ${String(code ?? signal)}: ${output}`
      children.delete(child)
      done()
    })
  })
  for (let tries = 0; !(await listens(port)); tries++) {
    if (ended !== null) throw new Error(ended)
    if (tries > 600) {
      child.kill('SIGKILL')
      throw new Error(`nothing listens on its port after a minute: ${output}`)
    }
    await sleep(100)
  }
  return {
    pid: child.pid ?? 0,
    port,
    stop: async () => {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 5000)
      await exited
      clearTimeout(late)
    },
  }
}

/** A Node program of bench/peers or bench/processes. */
export function startNode(
  script: string,
  args: string[],
  options: { port: number; env?: Record<string, string>; cwd?: string },
): Promise<Running> {
  return startProgram(process.execPath, [script, ...args], options)
}

/**
 * Ends, by their ids, all that is still running. They are asked: killed outright, Apache would leave its workers
 * behind.
 */
export function endPrograms(): void {
  for (const child of children) child.kill('SIGTERM')
}

function listens(port: number): Promise<boolean> {
  return new Promise(done => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy()
      done(true)
    })
    socket.on('error', () => done(false))
  })
}
