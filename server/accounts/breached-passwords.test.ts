import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MINUTE } from '../base/clock.ts'
import { captureLog } from '../base/log.testing.ts'
import { handClock } from './accounts.testing.ts'
import { createBreachedPasswords } from './breached-passwords.ts'

const LEAKED = 'a lantern left burning'
const digest = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase()

/** What the service answers; 'hang' is no answer. */
let answer: { status: number; body: string } | 'hang'
let asked: { url: string; headers: NodeJS.Dict<string | string[]> }[]
let service: Server
let url: string
let time: ReturnType<typeof handClock>
let log: ReturnType<typeof captureLog>

beforeEach(async () => {
  asked = []
  answer = { status: 200, body: '' }
  service = createServer((request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers })
    if (answer === 'hang') return
    response.writeHead(answer.status, { location: '/elsewhere' }).end(answer.body)
  })
  await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/range/`
  time = handClock()
  log = captureLog()
})
afterEach(() => {
  service.closeAllConnections()
  service.close()
})

const breached = (at = url) => createBreachedPasswords({ url: at, clock: time.clock, log: log.log, fetch })
const lines = (...suffixes: string[]) => ['0018A45C4D1DEF81644B54AB7F969B88D65:3', ...suffixes].join('\r\n')
const noted = () => log.events().map(({ event }) => event)

test('ASVS 6.2.12 a leaked password is found, in either case of its digits, and another one of its range is not', async () => {
  const suffix = digest(LEAKED).slice(5)
  answer = { status: 200, body: lines(`${suffix}:42`) }
  expect(await breached().has(LEAKED)).toBe(true)
  answer = { status: 200, body: lines(`${suffix.toLowerCase()}:42`).replaceAll('\r', '') }
  expect(await breached().has(LEAKED)).toBe(true)
  answer = { status: 200, body: lines(`${suffix.slice(0, -1)}:42`, `0${suffix}:1`) }
  expect(await breached().has(LEAKED)).toBe(false)
})

test('ASVS 6.2.12 the service learns five digits of the hash and nothing else, and is asked to pad its answer', async () => {
  await breached().has(LEAKED)
  expect(asked.map(one => one.url)).toEqual([`/range/${digest(LEAKED).slice(0, 5)}`])
  expect(asked[0]?.headers['add-padding']).toBe('true')
  expect(JSON.stringify(asked)).not.toContain(digest(LEAKED).slice(5, 15))
  expect(asked[0]?.headers['cookie']).toBeUndefined()
})

test('a line that only pads the answer is no leak', async () => {
  answer = { status: 200, body: lines(`${digest(LEAKED).slice(5)}:0`) }
  expect(await breached().has(LEAKED)).toBe(false)
})

test.each<[string, typeof answer]>([
  ['answers with an error', { status: 503, body: 'down' }],
  ['leads elsewhere', { status: 302, body: '' }],
  ['sends far too much', { status: 200, body: 'A'.repeat(3_000_000) }],
  ['does not answer', 'hang'],
])('a service that %s lets the password pass, and the log says so without it', async (_, what) => {
  answer = what
  const service = breached()
  expect(await service.has(LEAKED)).toBe(false)
  expect(noted()).toEqual(['breached_passwords_unavailable'])
  expect(log.lines.join('\n')).not.toMatch(new RegExp(`${LEAKED}|${digest(LEAKED).slice(0, 5)}`, 'i'))
  expect(await service.has(LEAKED), 'and for a minute nobody else waits for it').toBe(false)
  expect(asked).toHaveLength(1)
  time.pass(MINUTE)
  answer = { status: 200, body: lines(`${digest(LEAKED).slice(5)}:1`) }
  expect(await service.has(LEAKED)).toBe(true)
})

test('a service that nobody runs lets the password pass', async () => {
  expect(await breached('http://127.0.0.1:1/').has(LEAKED)).toBe(false)
  expect(noted()).toEqual(['breached_passwords_unavailable'])
})
