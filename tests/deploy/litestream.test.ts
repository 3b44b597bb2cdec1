import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../support/client.ts'
import { canBuildLitestream, litestream } from '../support/deploy/litestream.ts'
import { filesShownIn } from '../support/guide-blocks.ts'
import { ROOT, runCommand, SETUP_CODE, startServer, stopAll, temporaryFolder, waitUntil } from '../support/server.ts'

const GUIDE = 'docs/guides/backups.md'
const ADA = { email: 'ada@example.org', name: 'Ada', password: 'quiet lantern 0123456789' }
const ANN = ['user', 'add', 'ann@example.org', '--name', 'Ann']
const runs = canBuildLitestream()

describe.runIf(runs)('recovery with Litestream, as docs/guides/backups.md has it', () => {
  const running = new Set<ChildProcess>()
  let program: string

  beforeAll(() => {
    program = litestream()
  })

  afterAll(async () => {
    for (const one of running) one.kill('SIGKILL')
    await stopAll()
  })

  function prepare(): { dataDir: string; config: string; adapted: (text: string) => string } {
    const folder = temporaryFolder()
    const dataDir = join(folder, 'data')
    mkdirSync(dataDir, { mode: 0o700 })
    const config = join(folder, 'litestream.yml')
    const adapted = (text: string) =>
      text
        .replaceAll('/var/lib/porchlight', dataDir)
        .replaceAll('/mnt/other-disk', join(folder, 'disk'))
        .replaceAll('recovered.db', join(folder, 'recovered.db'))
        .replaceAll('litestream.yml', config)
    writeFileSync(config, adapted(filesShownIn(GUIDE).get('litestream.yml') ?? ''))
    return { dataDir, config, adapted }
  }

  function replicating(config: string): { kill(): Promise<void> } {
    const child = spawn(program, ['replicate', '-config', config], { stdio: 'ignore' })
    running.add(child)
    return {
      async kill() {
        child.kill('SIGKILL')
        await once(child, 'exit')
      },
    }
  }

  /** Waits until the replica has an account. */
  async function replicated(config: string, dataDir: string, email: string): Promise<void> {
    const copy = join(temporaryFolder(), 'copy.db')
    const options = ['-config', config, '-force', '-o', copy, join(dataDir, 'porchlight.db')]
    await waitUntil(() => {
      // Fails until there is something to restore.
      return spawnSync(program, ['restore', ...options]).status === 0 && readFileSync(copy).includes(email)
    }, `${email} at the replica`)
  }

  /** The commands of the guide that follow the loss. */
  async function recover(dataDir: string, adapted: (text: string) => string): Promise<string> {
    const block = /```sh\n(litestream restore[\s\S]*?)```/.exec(readFileSync(join(ROOT, GUIDE), 'utf8'))?.[1] ?? ''
    const [restoring = '', ours = '', tidying = ''] = adapted(block).trim().split('\n')
    execFileSync(program, restoring.split(' ').slice(1), { stdio: 'pipe' })
    const { output } = await runCommand(ours.split(' ').slice(1), { dataDir })
    execFileSync('sh', ['-c', tidying])
    return output
  }

  test('a killed server on a lost disk comes back with everything, and everybody signs in again', async () => {
    const { dataDir, config, adapted } = prepare()
    const server = await startServer({ dataDir })
    const replica = replicating(config)
    const ada = new Visitor(server.origin)
    expect((await ada.post('/auth/setup', { code: SETUP_CODE, ...ADA })).status).toBe(200)
    expect((await runCommand(ANN, { dataDir })).code).toBe(0)
    const settings = { PUBLIC_URL: server.origin, PORT: String(server.port) }
    expect((await runCommand(['doctor'], { dataDir, settings })).output).toContain('Database OK')
    await replicated(config, dataDir, 'ann@example.org')
    await server.stop('SIGKILL')
    await replica.kill()

    const keys = join(temporaryFolder(), 'keys.json')
    copyFileSync(join(dataDir, 'keys.json'), keys)
    rmSync(dataDir, { recursive: true })
    mkdirSync(dataDir, { mode: 0o700 })
    copyFileSync(keys, join(dataDir, 'keys.json'))
    expect(await recover(dataDir, adapted)).toContain('Sessions ended: 1. Every one-time link is void.')

    const again = await startServer({ dataDir, port: server.port })
    expect((await ada.get('/auth/session')).json()).toMatchObject({ user: null })
    expect((await ada.post('/auth/login', { email: ADA.email, password: ADA.password })).status).toBe(200)
    expect((await runCommand(['user', 'list'], { dataDir })).output).toContain('ann@example.org')

    // Replication goes on, and a second recovery has what came after the first.
    const next = replicating(config)
    expect((await runCommand(['user', 'add', 'bob@example.org', '--name', 'Bob'], { dataDir })).code).toBe(0)
    await replicated(config, dataDir, 'bob@example.org')
    await again.stop('SIGKILL')
    await next.kill()
    rmSync(join(dataDir, '..', 'recovered.db'))
    expect(await recover(dataDir, adapted)).toContain('The backup is restored.')
    expect((await runCommand(['user', 'list'], { dataDir })).output).toContain('bob@example.org')
    ada.close()
  })
})
