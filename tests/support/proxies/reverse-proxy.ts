import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import type { Ability } from '../faults/machine.ts'
import { sleep, temporaryFolder, waitUntil } from '../server.ts'
import { type Replacement, shippedFile } from './shipped-file.ts'

/** Where a proxy listens, what is behind it, and the files of its certificate. */
export interface Site {
  folder: string
  http: number
  https: number
  behind: number
  /** The chain, its key, and both in one file. */
  cert: string
  key: string
  pem: string
}

/** How one of the proxies of deploy/proxies is run here. */
export interface ReverseProxy {
  name: string
  ability: Ability
  /** The shipped files by name, and what differs here: host name, ports, addresses and certificate paths. */
  shipped(site: Site): Record<string, Replacement[]>
  /** What a distribution has around the shipped files, by file name. */
  surroundings(site: Site): Record<string, string>
  command(site: Site): { program: string; args: string[] }
  /** Makes it read its files again, as its service's `reload` does. */
  reload(site: Site, child: ChildProcess): void
}

export interface RunningProxy {
  site: Site
  /** What it wrote. */
  output(): string
  reload(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a proxy with its shipped files.
 * @param edits further changes, of a test that shows what a line is for
 */
export async function startProxy(
  proxy: ReverseProxy,
  given: Omit<Site, 'folder'>,
  edits: Record<string, Replacement[]> = {},
): Promise<RunningProxy> {
  const folder = temporaryFolder()
  const site = { ...given, folder }
  for (const [name, replacements] of Object.entries(proxy.shipped(site)))
    write(folder, name, shippedFile(name, [...(edits[name] ?? []), ...replacements]))
  for (const [name, content] of Object.entries(proxy.surroundings(site))) write(folder, name, content)
  const log = join(folder, 'output.log')
  const { program, args } = proxy.command(site)
  const output = openSync(log, 'a')
  const child = spawn(program, args, {
    cwd: folder,
    stdio: ['ignore', output, output],
    env: { PATH: process.env['PATH'], HOME: folder },
  })
  const ended = new Promise<void>(done => child.on('exit', () => done()).on('error', () => done()))
  const read = () => readFileSync(log, 'utf8')
  await waitUntil(
    async () => {
      if (child.exitCode !== null) throw new Error(`${proxy.name} ended:\n${read()}`)
      return (await listens(site.https)) && (await listens(site.http))
    },
    `${proxy.name} to listen; it wrote:\n`,
    read,
  )
  return {
    site,
    output: read,
    async reload() {
      proxy.reload(site, child)
      // None of them says when it is done.
      await sleep(1500)
    },
    async stop() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 3000)
      await ended
      clearTimeout(late)
    },
  }
}

function write(folder: string, name: string, content: string): void {
  const file = join(folder, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

function listens(port: number): Promise<boolean> {
  return new Promise(done => {
    const socket = connect(port, '127.0.0.1', () => done(true))
      .on('connect', () => socket.destroy())
      .on('error', () => done(false))
  })
}
