import { execFile } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { environmentFor, findPython } from '../support/python.ts'
import { ROOT, stopAll, temporaryFolder, waitUntil } from '../support/server.ts'
import { attempt, buildCaddyImage, buildImage, canRunCompose, makeBaseImage, podman } from '../support/deploy/podman.ts'

const run = promisify(execFile)
const PROJECT = `porchlight-compose-${process.pid}`
const BASE = `localhost/porchlight-base:${PROJECT}`
const IMAGE = `localhost/porchlight:${PROJECT}`
const CADDY = `localhost/caddy:${PROJECT}`
const python = findPython()
const runs = canRunCompose() && python !== null

describe.runIf(runs)('deploy/compose.yaml, run by podman-compose with a host name and nothing else', () => {
  const folder = join(temporaryFolder(), 'deploy')
  const container = (service: string) => `${PROJECT}_${service}_1`

  beforeAll(async () => {
    await makeBaseImage(BASE, ['/usr/bin/caddy'])
    await buildImage(IMAGE, BASE, inject('tarball'))
    await buildCaddyImage(CADDY, BASE)
    cpSync(join(ROOT, 'deploy'), folder, { recursive: true })
    const written = readFileSync(join(folder, 'compose.yaml'), 'utf8')
    const adapted = written
      .replaceAll('image: localhost/porchlight', `image: ${IMAGE}`)
      .replace('image: docker.io/library/caddy:2', `image: ${CADDY}`)
      // Ports 80 and 443 of this machine may be taken: the test enters Caddy's network instead.
      .replace(/ {4}ports:\n(?: {6}- .*\n)+/, '')
      // Debian 12's Podman resolves no names in internal networks.
      .replace('internal: true', 'internal: false')
    expect(adapted).not.toMatch(/ports:|image: (?!localhost\S+:porchlight-compose)/)
    writeFileSync(join(folder, 'compose.yaml'), adapted)
  })

  afterAll(async () => {
    await compose('down', '--volumes')
    attempt('rmi', '--force', IMAGE, CADDY, BASE)
    await stopAll()
  })

  async function compose(...args: string[]): Promise<string> {
    const program = environmentFor(python ?? '', join(ROOT, 'tests/support/deploy/requirements.txt'))
    const options = '--podman-run-args=--runtime=runc --ulimit=nofile=4096:4096 --ulimit=nproc=4096:4096'
    const whole = ['-m', 'podman_compose', options, '--project-name', PROJECT, ...args]
    const environment = { PATH: process.env['PATH'], HOME: dirname(folder) }
    const { stdout, stderr } = await run(program, whole, { cwd: folder, env: environment }).catch(
      (error: unknown) => error as { stdout: string; stderr: string },
    )
    return stdout + stderr
  }

  test('says what to do while there is no host name', async () => {
    expect(await compose('config')).toContain('Write PORCHLIGHT_HOSTNAME=your.host.name into .env')
  })

  test('signs in over https, and relays to the API, which verifies the token', async () => {
    writeFileSync(join(folder, '.env'), 'PORCHLIGHT_HOSTNAME=localhost\n')
    const started = await compose('up', '--detach', '--no-build')
    const inside = (...command: string[]) => attempt('exec', container('porchlight'), ...command)
    await waitUntil(
      () => inside('porchlight', 'healthcheck').code === 0,
      'Porchlight:\n',
      () => started,
      60_000,
    )
    const code = /#code=(\S+)/.exec(inside('porchlight', 'setup').output)?.[1] ?? ''
    const pid = await podman('inspect', '--format={{.State.Pid}}', container('caddy'))
    const visit = join(ROOT, 'tests/support/deploy/compose-visit.ts')
    const { stdout } = await run('nsenter', ['--target', pid, '--net', process.execPath, visit, code])
    const seen = JSON.parse(stdout) as { user: { id: string }; hello: { body: string } }
    expect(seen).toMatchObject({
      anonymous: 401,
      setUp: 200,
      hello: { status: 200 },
      user: { email: 'ada@example.org' },
      page: 200,
      out: 200,
    })
    expect(JSON.stringify(seen)).toContain('__Host-')
    expect(JSON.parse(seen.hello.body)).toMatchObject({ hello: seen.user.id, roles: ['admin', 'user'] })
    // The proxy in between is trusted: what it says of the client's address is believed.
    expect(attempt('logs', container('porchlight')).output).not.toContain('proxy_not_trusted')
  })

  test('gives its containers no capability and nothing to write but their volumes', async () => {
    for (const service of ['porchlight', 'api']) {
      const status = attempt('exec', container(service), 'cat', '/proc/1/status').output
      expect(status).toMatch(/^Uid:\s+10001\s/m)
      expect(status).toMatch(/^CapEff:\s+0+$/m)
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
      expect(attempt('exec', container(service), 'touch', '/app/x').code).not.toBe(0)
    }
    const mounts = await podman('inspect', '--format={{.HostConfig.ReadonlyRootfs}}', container('caddy'))
    expect(mounts).toBe('true')
  })

  test('no container but Caddy opens a port of the machine', () => {
    const text = readFileSync(join(ROOT, 'deploy/compose.yaml'), 'utf8')
    const services = text.slice(text.indexOf('\nservices:'), text.indexOf('\nnetworks:')).split(/^ {2}(?=\w+:$)/m)
    expect(services.filter(service => service.includes('ports:')).map(service => service.split(':')[0])).toEqual([
      'caddy',
    ])
  })
})
