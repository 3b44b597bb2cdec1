import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takeLock } from './lock.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'porchlight-lock-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

const take = (what = 'the test') => takeLock(dataDir, what, 0)

test('a data folder has one owner at a time, and the next is told who', () => {
  const first = take('the server')
  expect(first.state).toBe('held')
  expect(take()).toEqual({ state: 'taken', by: { pid: process.pid, what: 'the server' } })
  expect(take()).toMatchObject({ state: 'taken' })
  if (first.state === 'held') first.release()
  const next = take()
  expect(next.state).toBe('held')
  if (next.state === 'held') next.release()
  expect(statSync(join(dataDir, 'lock.db')).mode & 0o777).toBe(0o600)
})

test('a lock of another process is respected, and kill -9 leaves no stale lock', async () => {
  const script = `import { takeLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
    const lock = takeLock(${JSON.stringify(dataDir)}, 'another', 0)
    console.log(lock.state)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise(done => child.on('exit', done))
  const said = await new Promise(done => child.stdout.once('data', data => done(String(data).trim())))
  expect(said).toBe('held')
  expect(take()).toEqual({ state: 'taken', by: { pid: child.pid, what: 'another' } })
  child.kill('SIGKILL')
  await exited
  const mine = take()
  expect(mine.state).toBe('held')
  if (mine.state === 'held') mine.release()
})
