import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Visitor } from '../support/client.ts'
import { freePort, SETUP_CODE, sleep, statusOf, stopAll, temporaryFolder, waitUntil } from '../support/server.ts'
import {
  attempt,
  buildImage,
  canRunImages,
  compressedSize,
  HARDENED,
  makeBaseImage,
  podman,
} from '../support/deploy/podman.ts'

const TAG = `test-${process.pid}`
const BASE = `localhost/porchlight-base:${TAG}`
const IMAGE = `localhost/porchlight:${TAG}`
const NAME = `porchlight-${TAG}`
const ADA = { email: 'ada@example.org', name: 'Ada', password: 'quiet lantern 0123456789' }
const OURS = 10_001
const runs = canRunImages()

afterAll(async () => {
  if (runs) {
    attempt('rm', '--force', '--volumes', NAME)
    attempt('rmi', '--force', IMAGE, BASE)
  }
  await stopAll()
})

describe.runIf(runs)('the image, built from deploy/Containerfile and run by podman', () => {
  let port: number
  let ada: Visitor
  let readyMs: number
  const inside = (...command: string[]) => attempt('exec', NAME, ...command)
  const isReady = () =>
    waitUntil(
      async () => (await statusOf(port, '/readyz')) === 200,
      'the container',
      () => attempt('logs', NAME).output,
    )
  /** One that ends by itself, in a data folder of the test's. */
  const once = (folder: string, ...args: string[]) =>
    attempt('run', '--rm', ...HARDENED, '--no-healthcheck', '--network=none', `--volume=${folder}`, IMAGE, ...args)

  beforeAll(async () => {
    await makeBaseImage(BASE)
    await buildImage(IMAGE, BASE, inject('tarball'))
    port = await freePort()
    const settings = {
      PUBLIC_URL: `http://localhost:${port}`,
      HOST: '127.0.0.1',
      ACCESS_SECONDS: '4',
      REFRESH_CONFIRM_SECONDS: '1',
      REFRESH_GRACE_SECONDS: '2',
      SETUP_CODE,
      TRUSTED_PROXIES: '127.0.0.1',
    }
    const environment = Object.entries(settings).map(([name, value]) => `--env=PORCHLIGHT_${name}=${value}`)
    const began = performance.now()
    await podman('run', '--detach', `--name=${NAME}`, ...HARDENED, '--network=host', ...environment, IMAGE)
    await isReady()
    readyMs = performance.now() - began
    ada = new Visitor(`http://localhost:${port}`)
  })

  test('adds at most 90 MB to its base, compressed', async () => {
    const bytes = await compressedSize(IMAGE, BASE)
    process.stdout.write(
      `the image adds ${(bytes / 1e6).toFixed(1)} MB; ready after ${(readyMs / 1000).toFixed(1)} s\n`,
    )
    expect(bytes).toBeGreaterThan(5e6)
    expect(bytes).toBeLessThanOrEqual(90e6)
  })

  test('is ready soon with nothing but environment variables', () => {
    // Three seconds are the goal; a busy machine is slow, not wrong.
    expect(readyMs).toBeLessThan(30_000)
  })

  test('runs as pid 1 of user 10001, without capabilities, on a root file system that it cannot write', () => {
    const status = inside('cat', '/proc/1/status').output
    expect(status).toMatch(/^Uid:\s+10001\s+10001/m)
    expect(status).toMatch(/^CapEff:\s+0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
    expect(inside('touch', '/app/x')).toMatchObject({ code: 1, output: expect.stringContaining('Read-only') as string })
    expect(inside('touch', '/tmp/x').code).toBe(1)
  })

  test('signs up, signs in, renews and signs out', async () => {
    expect((await ada.post('/auth/setup', { code: SETUP_CODE, ...ADA })).status).toBe(200)
    const before = JSON.stringify(ada.jar)
    await sleep(4500)
    expect((await ada.get('/auth/session')).json()).toMatchObject({ user: { email: ADA.email } })
    expect(JSON.stringify(ada.jar)).not.toBe(before)
    expect((await ada.post('/auth/logout')).status).toBe(200)
    expect((await ada.page('/account')).status).toBe(302)
    expect((await ada.post('/auth/login', { email: ADA.email, password: ADA.password })).status).toBe(200)
    expect((await ada.page('/account')).text).toContain(ADA.email)
  })

  test('keeps its data for itself: files 0600 and the volume 0700, owned by 10001', () => {
    const listed = inside('ls', '-lAn', '/data').output.split('\n').slice(1)
    expect(listed.map(line => line.split(/\s+/).at(-1))).toEqual(expect.arrayContaining(['keys.json', 'porchlight.db']))
    expect(listed.filter(line => !/^[-s]rw-------\s+1 10001 10001 /.test(line))).toEqual([])
    expect(inside('ls', '-ldn', '/data').output).toMatch(/^drwx------ +\d+ 10001 10001 /)
  })

  test('tells its engine whether it can serve', async () => {
    expect(attempt('healthcheck', 'run', NAME)).toEqual({ code: 0, output: '' })
    // With another data folder, it cannot ask the running server where that listens.
    const other = [`--env=PORCHLIGHT_PORT=${await freePort()}`, '--env=PORCHLIGHT_DATA_DIR=/tmp/elsewhere']
    const elsewhere = attempt('exec', ...other, NAME, 'porchlight', 'healthcheck')
    expect(elsewhere).toMatchObject({ code: 1, output: expect.stringContaining('No server answers at') as string })
  })

  test('has every command by exec, and collects no zombies', () => {
    expect(inside('porchlight', 'user', 'add', 'ann@example.org', '--name', 'Ann').output).toMatch(/http\S+/)
    expect(inside('porchlight', 'user', 'list').output).toContain(ADA.email)
    expect(inside('porchlight', 'backup', '/data/one.db').output).toContain('was copied')
    expect(inside('porchlight', 'doctor')).toMatchObject({
      code: 0,
      output: expect.stringContaining('Database OK') as string,
    })
    const processes = inside('sh', '-c', 'cat /proc/[0-9]*/stat').output.split('\n')
    expect(processes.filter(line => / Z /.test(line))).toEqual([])
  })

  test('finishes a request in progress at SIGTERM, exits with 0, and keeps sessions across the restart', async () => {
    const upload = http.request({
      host: '127.0.0.1',
      port,
      path: '/auth/login',
      method: 'POST',
      headers: { host: `localhost:${port}`, 'content-type': 'application/json', origin: ada.origin },
    })
    const answered = new Promise<number>((done, failed) => {
      upload.on('response', response => done(response.resume().statusCode ?? 0)).on('error', failed)
    })
    const body = JSON.stringify({ email: ADA.email, password: ADA.password })
    upload.write(body.slice(0, 10))
    await sleep(500)
    await podman('kill', '--signal=TERM', NAME)
    await waitUntil(() => attempt('logs', NAME).output.includes('server_stopping'), 'the signal to arrive')
    upload.end(body.slice(10))
    expect(await answered).toBe(200)
    expect(await podman('wait', NAME)).toBe('0')
    await podman('start', NAME)
    await isReady()
    expect((await ada.get('/auth/session')).json()).toMatchObject({ user: { email: ADA.email } })
  })

  test('starts without any network', async () => {
    const name = `${NAME}-alone`
    await podman('run', '--detach', '--rm', `--name=${name}`, ...HARDENED, '--network=none', IMAGE)
    try {
      await waitUntil(
        () => attempt('exec', name, 'porchlight', 'healthcheck').code === 0,
        'a container without network',
      )
    } finally {
      attempt('rm', '--force', '--volumes', name)
    }
  })

  test('reads a typed porchlight.config.ts that is mounted into its folder', () => {
    const file = join(temporaryFolder(), 'porchlight.config.ts')
    writeFileSync(
      file,
      "import { defineConfig } from 'porchlight'\nexport default defineConfig({ brand: { name: 'Acme' } })\n",
    )
    expect(once(`${file}:/app/porchlight.config.ts:ro`, 'config', 'check').output).toMatch(/brand .*Acme/)
  })

  test('says in a sentence why it cannot use its data folder', () => {
    const folder = join(temporaryFolder(), 'data')
    mkdirSync(folder, { mode: 0o755 })
    const why = (mount: string) => once(mount).output
    expect(once(`${folder}:/data`).code).toBe(1)
    expect(why(`${folder}:/data`)).toBe(
      'The data folder /data cannot be written (EACCES).\nIt and its files must belong to the user who runs this: chown -R 10001 /data',
    )
    chownSync(folder, OURS, OURS)
    expect(why(`${folder}:/data:ro`)).toBe(
      'The data folder /data is on a read-only disk (EROFS).\nChoose a writable disk (PORCHLIGHT_DATA_DIR).',
    )
    chownSync(folder, 1000, 1000)
    expect(why(`${folder}:/data`)).toContain('/data belongs to another user (id 1000)')
    rmSync(folder, { recursive: true })
  })

  test('pins its base by digest, which a build argument replaces', () => {
    const text = readFileSync(new URL('../../deploy/Containerfile', import.meta.url), 'utf8')
    expect(text).toMatch(/^ARG NODE_IMAGE=\S+@sha256:[0-9a-f]{64}$/m)
    expect([...text.matchAll(/^FROM (\S+)/gm)].map(([, from]) => from)).toEqual(['${NODE_IMAGE}', '${NODE_IMAGE}'])
  })
})
