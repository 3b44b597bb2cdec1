import { spawnSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { get } from 'node:http'
import { createSocket } from 'node:dgram'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  freePort,
  NODE,
  ROOT,
  runCommand,
  serverEnvironment,
  SETUP_CODE,
  statusOf,
  stopAll,
  temporaryFolder,
} from '../support/server.ts'
import { stopSupervisors, Supervisor } from '../support/supervisor.ts'

afterAll(async () => {
  stopSupervisors()
  await stopAll()
})

test('a server serves on the sockets of its supervisor, TCP and unix, which stay open while it is restarted', async () => {
  const [port, dataDir] = [await freePort(), temporaryFolder()]
  const path = join(temporaryFolder(), 'site.sock')
  const settings = { PUBLIC_URL: `http://localhost:${port}`, DATA_DIR: dataDir, SETUP_CODE }
  const supervisor = Supervisor.start([{ port, host: '127.0.0.1' }, { path }], settings)
  // The first request waits until the server is there.
  await supervisor.listening()
  expect(await statusOf(port, '/readyz')).toBe(200)
  expect(await statusOn(path)).toBe(200)
  expect(supervisor.output).toContain(`"listening":["127.0.0.1:${port}","unix:${path}"]`)
  const healthcheck = () => runCommand(['healthcheck'], { dataDir, settings: {} })
  expect(await healthcheck(), 'found by asking the server, since no setting names the port').toMatchObject({ code: 0 })

  await supervisor.restart()
  const [overTcp, overUnix] = await Promise.all([statusOf(port, '/readyz'), statusOn(path)])
  expect([overTcp, overUnix], 'sent while nobody accepts').toEqual([200, 200])
  expect(supervisor.ends).toEqual(['0'])
  expect(supervisor.pids).toHaveLength(2)
})

test('a descriptor that is no listening stream socket is refused in a sentence, by its name', async () => {
  const file = openSync(join(temporaryFolder(), 'file'), 'w')
  const datagrams = createSocket('udp4')
  await new Promise<void>(done => datagrams.bind(0, '127.0.0.1', done))
  const { fd } = (datagrams as unknown as { _handle: { fd: number } })._handle
  for (const [passed, what] of [
    [file, 'a file'],
    [fd, 'a datagram socket'],
    ['ignore', '/dev/null'],
  ] as const) {
    const start = 'export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web; exec "$@"'
    const command = [NODE, join(ROOT, 'server/porchlight.mjs'), 'start']
    const { status, stderr } = spawnSync('sh', ['-c', start, 'sh', ...command], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe', passed],
      env: serverEnvironment({ DATA_DIR: temporaryFolder() }),
      encoding: 'utf8',
    })
    expect(stderr, what).toContain('Descriptor 3 (web), passed by LISTEN_FDS, is not a listening stream socket.')
    expect(status).toBe(1)
  }
  datagrams.close()
})

function statusOn(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path: '/readyz', agent: false }, answer => {
      answer.resume()
      resolve(answer.statusCode)
    }).on('error', reject)
  })
}
