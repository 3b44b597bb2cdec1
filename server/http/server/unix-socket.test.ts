import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, get, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listenOnPath } from './unix-socket.ts'

let folder: string
let path: string
const servers: { close(): unknown }[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'porchlight-socket-'))
  path = join(folder, 'site.sock')
})
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function listen(at = path, mode = 0o660): Promise<Server> {
  const server = createServer((_incoming, outgoing) => outgoing.end('ours'))
  await listenOnPath(server, { path: at, mode })
  servers.push(server)
  return server
}

function ask(): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ socketPath: path, agent: false }, answer => answer.on('data', data => resolve(String(data)))).on(
      'error',
      reject,
    )
  })
}

/** A process that listened and was killed: the socket stays, and nobody answers. */
async function leaveStale(): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`
  await once(spawn(process.execPath, ['-e', script]), 'exit')
  expect(existsSync(path)).toBe(true)
}

test('a socket has its permissions from the beginning, whatever the umask, and goes when the server closes', async () => {
  for (const [mode, umask] of [
    [0o660, 0o077],
    [0o666, 0o022],
    [0o600, 0],
  ] as const) {
    const before = process.umask(umask)
    const server = await listen(path, mode)
    expect(statSync(path).mode & 0o777).toBe(mode)
    expect(process.umask(before), 'the umask is as it was').toBe(umask)
    expect(await ask()).toBe('ours')
    await new Promise(done => server.close(done))
    expect(existsSync(path)).toBe(false)
  }
})

test('a socket that a killed server left is replaced', async () => {
  await leaveStale()
  await listen()
  expect(await ask()).toBe('ours')
})

test('a socket on which a program listens is not taken away, even if that program does not react', async () => {
  await listen()
  await expect(listen()).rejects.toThrow(`Another program is listening on the socket ${path}.`)
  expect(await ask()).toBe('ours')
  const other = join(folder, 'stopped.sock')
  const script = `require('net').createServer().listen(${JSON.stringify(other)}, () => process.stdout.write('on'))`
  const stopped = spawn(process.execPath, ['-e', script])
  await once(stopped.stdout, 'data')
  stopped.kill('SIGSTOP')
  await expect(listen(other)).rejects.toThrow('Another program is listening')
  stopped.kill('SIGKILL')
})

test('of two that replace the same stale socket, one listens and the other is refused', async () => {
  for (let round = 0; round < 10; round++) {
    await leaveStale()
    const both = await Promise.allSettled([listen(), listen()])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await ask()).toBe('ours')
    await new Promise(done => (servers.pop() as Server).close(done))
  }
})

test('what is not a socket is left alone: a file, a folder, a symbolic link, even one to a stale socket', async () => {
  writeFileSync(path, 'mine')
  await expect(listen()).rejects.toThrow(`${path} is not a socket, so it is left alone.`)
  rmSync(path)
  mkdirSync(path)
  await expect(listen()).rejects.toThrow('is not a socket')
  rmSync(path, { recursive: true })
  await leaveStale()
  const link = join(folder, 'link.sock')
  symlinkSync(path, link)
  await expect(listen(link)).rejects.toThrow(`${link} is a symbolic link, so it is left alone.`)
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.sock'))
  await expect(listen(join(folder, 'dangling.sock'))).rejects.toThrow('is a symbolic link')
  expect(existsSync(join(folder, 'nowhere'))).toBe(false)
})

test('a missing folder, one that is a file, and one that may not be written are named', async () => {
  await expect(listen(join(folder, 'missing', 'a.sock'))).rejects.toThrow(
    `The folder of the socket, ${join(folder, 'missing')}, does not exist.`,
  )
  writeFileSync(join(folder, 'file'), '')
  await expect(listen(join(folder, 'file', 'a.sock'))).rejects.toThrow('is not a folder')
  chmodSync(folder, 0o555)
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    await expect(listen()).rejects.toThrow(`This user may not create the socket ${path}.`)
  } finally {
    if (isRoot) process.seteuid?.(0)
    chmodSync(folder, 0o755)
  }
})
