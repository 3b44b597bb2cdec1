import { existsSync, statSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts'
import {
  freePort,
  runCommand,
  type Server,
  spawnServer,
  statusOf,
  stopAll,
  temporaryFolder,
  waitUntil,
} from '../support/server.ts'

let upstream: RecordingUpstream
let path: string
beforeAll(async () => {
  upstream = await startRecordingUpstream()
  path = join(temporaryFolder(), 'site.sock')
})
afterAll(async () => {
  await stopAll()
  await upstream.stop()
})

const settings = () => ({
  PORT: null,
  SOCKET: path,
  TRUSTED_PROXIES: null,
  UPSTREAMS: JSON.stringify([{ name: 'open', target: upstream.origin, token: 'none' }]),
})

function statusAt(target: string, headers: Record<string, string> = {}): Promise<number | null> {
  return new Promise(done => {
    get({ socketPath: path, path: target, headers: { host: 'localhost:3000', ...headers }, agent: false }, answer => {
      answer.resume()
      done(answer.statusCode ?? null)
    }).on('error', () => done(null))
  })
}

async function startOnSocket(dataDir: string, port: number): Promise<Server> {
  const server = await spawnServer({ dataDir, port, publicUrl: 'http://localhost:3000', settings: settings() })
  await waitUntil(
    async () => (await statusAt('/readyz')) === 200,
    'an answer on the socket',
    () => server.output,
    60_000,
  )
  return server
}

test('on a unix socket no port is opened, a proxy there is trusted, and the socket goes with the server', async () => {
  const [dataDir, port] = [temporaryFolder(), await freePort()]
  const server = await startOnSocket(dataDir, port)
  expect(statSync(path).mode & 0o777).toBe(0o660)
  expect(await statusOf(3000, '/readyz'), 'nothing of ours on the port').not.toBe(200)

  expect(await statusAt('/api/open/x', { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' })).toBe(200)
  expect(upstream.requests.at(-1)?.headers['x-forwarded-for'], '4.1.3').toBe('203.0.113.9')
  expect(await statusAt('/api/open/x')).toBe(200)
  expect(upstream.requests.at(-1)?.headers['x-forwarded-for']).toBe('unknown')

  const command = (...args: string[]) => runCommand(args, { dataDir, settings: settings() })
  expect(await command('healthcheck')).toMatchObject({ code: 0 })
  expect((await command('doctor')).output).toContain(`Unix socket ${path}, for whoever may write to it (mode 660)`)
  expect((await command('config', 'check')).output).toMatch(/socket +PORCHLIGHT_SOCKET/)
  expect(server.output).toContain(`unix:${path}`)

  await server.stop('SIGKILL')
  expect(existsSync(path), 'left behind').toBe(true)
  expect((await command('healthcheck')).output).toContain(`No server answers at unix:${path} (ECONNREFUSED)`)
  const next = await startOnSocket(dataDir, port)
  expect(await next.stop()).toBe(0)
  expect(existsSync(path)).toBe(false)
})
