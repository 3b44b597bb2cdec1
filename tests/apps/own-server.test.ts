import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Visitor } from '../support/client.ts'
import { installIntoEmptyFolder, type InstalledFolder } from '../support/package.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts'
import { freePort, ROOT, SETUP_CODE, sleep, stopAll } from '../support/server.ts'

const TYPESCRIPT = (
  JSON.parse(readFileSync(join(ROOT, 'node_modules/typescript/package.json'), 'utf8')) as { version: string }
).version
const ADA = { email: 'ada@example.org', name: 'Ada', password: 'quiet lantern 0123456789' }

let installed: InstalledFolder
let upstream: RecordingUpstream

beforeAll(async () => {
  upstream = await startRecordingUpstream()
  installed = await installIntoEmptyFolder(
    inject('tarball'),
    'node@24',
    'express@5',
    '@types/express@5',
    '@types/node@24',
    `typescript@${TYPESCRIPT}`,
  )
  copyFileSync(join(import.meta.dirname, 'own-server/server.ts'), join(installed.folder, 'server.ts'))
})
afterAll(async () => {
  await upstream.stop()
  await stopAll()
})

test('its types hold in a strict project of somebody else', async () => {
  const compilerOptions = { target: 'es2024', module: 'nodenext', strict: true, noEmit: true, types: ['node'] }
  writeFileSync(join(installed.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['server.ts'] }))
  await installed.run('npx', 'tsc', '-p', '.')
})

describe.each(['node:http', 'express'])('inside a server of %s', kind => {
  let child: ChildProcess
  let visitor: Visitor

  const nextMessage = async () => {
    const ended = once(child, 'exit').then(([code]) => `exited with ${String(code)}`)
    return Promise.race([once(child, 'message').then(([message]) => String(message)), ended])
  }
  const answerTo = (message: string) => {
    child.send(message)
    return nextMessage()
  }

  beforeAll(async () => {
    const port = await freePort()
    child = fork(join(installed.folder, 'server.ts'), [String(port), upstream.origin, kind], {
      cwd: installed.folder,
      execPath: join(installed.folder, 'node_modules/.bin/node'),
      env: { ...installed.environment, PORCHLIGHT_SETUP_CODE: SETUP_CODE, PORCHLIGHT_TRUSTED_PROXIES: '127.0.0.1' },
    })
    expect(await nextMessage()).toBe('ready')
    visitor = new Visitor(`http://localhost:${port}`)
  })
  afterAll(() => {
    visitor.close()
    child.kill('SIGKILL')
  })

  test('signs in, relays with a token, and renews what has expired; its own routes stay its own', async () => {
    const { status } =
      kind === 'node:http'
        ? await visitor.post('/auth/setup', { code: SETUP_CODE, ...ADA })
        : await visitor.post('/auth/login', { email: ADA.email, password: ADA.password })
    expect(status).toBe(200)
    expect((await visitor.get('/mine')).text).toBe('my own')
    expect((await visitor.page('/account')).text).toContain(ADA.email)
    const before = JSON.stringify(visitor.jar)
    await sleep(4500)
    expect((await visitor.get('/api/v1/things')).status).toBe(200)
    expect(upstream.requests.at(-1)?.headers.authorization).toMatch(/^Bearer ey/)
    expect(JSON.stringify(visitor.jar)).not.toBe(before)
  })

  test('adds its headers to every answer, and refuses another host', async () => {
    const page = await visitor.page('/account')
    expect(page.headers).toMatchObject({
      'content-security-policy': expect.stringContaining("'nonce-") as string,
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
    })
    expect(page.headers).not.toHaveProperty('x-powered-by')
    expect((await visitor.get('/account', { host: 'evil.example' })).status).toBe(421)
  })

  test('refuses an upgrade to anything but a WebSocket, and goes on', async () => {
    const refused = await visitor.get('/api/v1/things', { connection: 'upgrade', upgrade: 'h2c' })
    expect(refused.status).toBe(400)
    expect((await visitor.get('/auth/session')).json()).toMatchObject({ user: { email: ADA.email } })
  })

  test('a second one on the same data folder is refused with a sentence', async () => {
    expect(await answerTo('again')).toMatch(/is using the data folder/)
  })

  test('closes, twice if asked, and the process can end by itself', async () => {
    expect((await visitor.post('/auth/logout')).status).toBe(200)
    expect(await answerTo('close')).toBe('closed')
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(0)
  })

  test('leaves files that only their owner can read, whatever the umask of the process', () => {
    const files = globSync('own-data/**', { cwd: installed.folder }).map(name => join(installed.folder, name))
    expect(files.length).toBeGreaterThan(2)
    expect(files.filter(file => (statSync(file).mode & 0o077) !== 0)).toEqual([])
  })
})
