import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { jsonLog, terminalLog } from './log.ts'

test('a log that cannot be written does not crash the process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'porchlight-log-'))
  const file = join(folder, 'log')
  writeFileSync(file, '')
  // Opened read-only: every write fails, as on a full disk.
  const unwritable = openSync(file, 'r')
  const script = `import { createLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)}
    const log = createLog('info')
    for (let i = 0; i < 5000; i++) log.info({ text: 'x'.repeat(200) }, 'a line')
    console.error('lived')`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', unwritable, 'pipe'],
  })
  let said = ''
  child.stderr?.on('data', data => (said += String(data)))
  const code = await new Promise(done => child.on('close', done))
  rmSync(folder, { recursive: true, force: true })
  expect([said, code]).toEqual(['lived\n', 0])
})

test('each request is a single line on a terminal, too', () => {
  let shown = ''
  const log = terminalLog(
    'info',
    new Writable({
      write(chunk, _encoding, done) {
        shown += String(chunk)
        done()
      },
    }),
  )
  log.info(
    { event: 'request_completed', requestId: 'r-1', method: 'GET', path: '/account', status: 200, ms: 3.1 },
    'request',
  )
  log.info({ event: 'request_completed', path: '/line\nbreak\u001b[2J' }, 'request')
  const [first, second, ...rest] = stripVTControlCharacters(shown).split('\n')
  expect(first).toMatch(
    /^\[\d\d:\d\d:\d\d\] INFO: request \{"event":"request_completed","requestId":"r-1","method":"GET","path":"\/account","status":200,"ms":3\.1\}$/,
  )
  expect(second).toContain(String.raw`"/line\nbreak\u001b[2J"`)
  expect(rest).toEqual([''])
})

test('ASVS 16.2.5 errors that are not ours are logged without a stack and without bytes that a library could not read', () => {
  let line = ''
  const log = jsonLog('info', { write: text => void (line = text) })
  const refused = Object.assign(new Error('not HTTP', { cause: new TypeError('at the first byte') }), {
    code: 'HPE_INVALID',
    data: 'Set-Cookie: secret',
    socket: { bytesRead: 9 },
    status: 502,
  })
  log.warn({ event: 'request_failed', error: refused, upstream: 'orders' }, 'an upstream could not be read')
  expect(JSON.parse(line)).toMatchObject({
    upstream: 'orders',
    error: { type: 'Error', message: 'not HTTP: at the first byte', code: 'HPE_INVALID', status: 502 },
  })
  expect(line).not.toMatch(/stack|secret|bytesRead/)
  log.info({ event: 'request_failed', error: refused }, 'again')
  expect(line).not.toMatch(/stack|secret/)
  log.error({ event: 'request_failed', error: refused }, 'a fault')
  expect((JSON.parse(line) as { error: { stack: string } }).error.stack).toMatch(/log\.test/)
})

test.each(['warn', 'error', 'info'] as const)(
  'ASVS 16.2.5 an error logged at level %s contains no e-mail address in its message, stack or properties',
  level => {
    let line = ''
    const log = jsonLog('info', { write: text => void (line = text) })
    const cause = new Error('no ann%40example.org')
    log[level](
      {
        event: 'request_failed',
        error: Object.assign(new Error('ann@example.org is unknown', { cause }), { address: 'mailto:ann@example.org' }),
      },
      'failed',
    )
    expect(line).toContain('[address] is unknown')
    expect(line).not.toContain('example.org')
  },
)
