import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Visitor } from '../tests/support/client.ts'
import { installIntoEmptyFolder, type InstalledFolder } from '../tests/support/package.ts'
import { freePort, SETUP_CODE, sleep, statusOf, stopAll, waitUntil } from '../tests/support/server.ts'

const ADA = { email: 'ada@example.org', name: 'Ada', password: 'quiet lantern 0123456789' }
const CONFIG = `import { defineConfig } from 'porchlight'
export default defineConfig({
  accessSeconds: 4,
  refreshConfirmSeconds: 1,
  refreshGraceSeconds: 2,
  brand: { name: 'Acme', logo: 'acme.svg', accent: '#0055cc' },
})
`

const LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"/>'

afterAll(stopAll)

describe.each(['22', '24'])('the packed tarball in an empty folder, on Node %s', node => {
  let installed: InstalledFolder

  beforeAll(async () => {
    installed = await installIntoEmptyFolder(inject('tarball'), `node@${node}`)
  })

  const porchlight = (...args: string[]) => installed.run('npx', 'porchlight', ...args)

  async function start(settings: Record<string, string> = {}) {
    const port = await freePort()
    const server = spawn('npx', ['porchlight', 'start'], {
      cwd: installed.folder,
      env: {
        ...installed.environment,
        PORCHLIGHT_PORT: String(port),
        PORCHLIGHT_SETUP_CODE: SETUP_CODE,
        PORCHLIGHT_TRUSTED_PROXIES: '127.0.0.1',
        ...settings,
      },
      detached: true,
    })
    let output = ''
    for (const stream of [server.stdout, server.stderr]) stream.on('data', chunk => (output += String(chunk)))
    const ended = new Promise(done => server.on('exit', done))
    const began = performance.now()
    await waitUntil(
      async () => (await statusOf(port, '/readyz')) === 200,
      'the server to be ready:\n',
      () => output,
    )
    return {
      origin: `http://localhost:${port}`,
      tookMs: performance.now() - began,
      output: () => output,
      async stop() {
        // npx does not forward signals, so the whole group gets it.
        if (server.pid !== undefined) process.kill(-server.pid, 'SIGTERM')
        await ended
      },
    }
  }

  test('is small: at most 60 packages, and 80 MB beside Node', async () => {
    const { stdout } = await installed.run('npm', 'ls', '--all', '--parseable', '--omit=dev')
    const packages = stdout.trim().split('\n').slice(1)
    expect(packages.filter(path => !/node_modules\/node(?:-|$)/.test(path)).length).toBeLessThanOrEqual(60)
    const { stdout: used } = await installed.run('du', '-sk', '--exclude=node', 'node_modules')
    expect(Number.parseInt(used, 10)).toBeLessThanOrEqual(80 * 1024)
  })

  test('starts at once without building anything, signs in, renews and signs out', async () => {
    const server = await start()
    // Two seconds are the goal; a busy machine is slow, not wrong.
    expect(server.tookMs).toBeLessThan(20_000)
    expect(server.output()).not.toMatch(/Building|building/)
    const visitor = new Visitor(server.origin)
    expect((await visitor.post('/auth/setup', { code: SETUP_CODE, ...ADA })).status).toBe(200)
    expect((await visitor.page('/account')).text).toContain('ada@example.org')
    const description = (await visitor.get('/auth/openapi.json')).json() as { openapi: string; servers: object[] }
    expect(description).toMatchObject({ openapi: '3.1.1', servers: [{ url: server.origin }] })
    expect((await visitor.post('/auth/logout')).status).toBe(200)
    expect((await visitor.page('/account')).status).toBe(302)
    visitor.close()
    await server.stop()
  })

  test('reads a typed porchlight.config.ts, shows its brand, and renews an access token that has expired', async () => {
    writeFileSync(join(installed.folder, 'porchlight.config.ts'), CONFIG)
    writeFileSync(join(installed.folder, 'acme.svg'), LOGO)
    const server = await start()
    const visitor = new Visitor(server.origin)
    expect((await visitor.post('/auth/login', { email: ADA.email, password: ADA.password })).status).toBe(200)
    // The pages are built long since, so the brand reaches them with the request.
    const account = (await visitor.page('/account')).text
    expect(account).toMatch(/<title>[^<]+ · Acme<\/title>/)
    expect(account).toContain('--button:light-dark(#0055cc,#0055cc)')
    expect((await visitor.get(/<img src="([^"]+)"/.exec(account)?.[1] ?? '')).text).toBe(LOGO)
    const access = () => JSON.stringify(visitor.jar)
    const before = access()
    await sleep(4500)
    expect((await visitor.get('/auth/session')).json()).toMatchObject({ user: { email: ADA.email } })
    expect(access()).not.toBe(before)
    visitor.close()
    await server.stop()
  })

  test('its commands work: doctor, config check, backup and restore', async () => {
    expect((await porchlight('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\s*$/)
    expect((await porchlight('config', 'check')).stdout).toContain('No problems found.')
    expect((await porchlight('doctor')).stdout).toContain('Database OK')
    mkdirSync(join(installed.folder, 'backups'))
    await porchlight('backup', 'backups/one.db')
    expect((await porchlight('restore', 'backups/one.db', '--yes')).stdout).toContain('The backup is restored.')
  })

  test('what needs the sources says so in a sentence', async () => {
    const failed = await porchlight('dev').catch((error: unknown) => error as { stderr: string; code: number })
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('contains the built site') as string })
  })
})
