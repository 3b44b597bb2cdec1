import net, { type AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readMailUrl } from '../config/mail-settings.ts'
import { type MailServer, startMailServer } from '../../tests/support/mail-server.ts'
import { createSmtp, deliveryOf } from './smtp.ts'

let server: MailServer
beforeAll(async () => {
  server = await startMailServer()
})
afterEach(() => {
  server.state.behaviour = 'accept'
})
afterAll(() => server.close())

const MESSAGE = Buffer.from('Subject: hello\r\n\r\nA text with a line\r\n.\r\nthat is a dot.\r\n')
const ENVELOPE = { from: 'login@porch.example', to: 'ann@example.org' }

function smtpAt(url: string) {
  const read = readMailUrl(url)
  if (read === null) throw new Error(`not a mail URL: ${url}`)
  return createSmtp(read)
}
const send = (url = server.url) => smtpAt(url).send(ENVELOPE, MESSAGE)

describe('a mail', () => {
  test('arrives whole', async () => {
    expect(await send()).toEqual({ outcome: 'sent' })
    expect(server.received.at(-1)).toMatchObject({ ...ENVELOPE, mail: { subject: 'hello' } })
    expect(server.received.at(-1)?.mail.text).toContain('that is a dot.')
  })
  test('that is refused for its recipient is refused for good, without the address in the reason', async () => {
    server.state.behaviour = 'refuse'
    const delivery = await send()
    expect(delivery).toMatchObject({ outcome: 'refused' })
    expect(JSON.stringify(delivery)).toContain('550')
    expect(JSON.stringify(delivery)).not.toContain('ann@')
  })
  test('that is greylisted is deferred', async () => {
    server.state.behaviour = 'defer'
    expect(await send()).toMatchObject({ outcome: 'deferred' })
  })
  test('whose connection breaks after its text is in doubt', async () => {
    server.state.behaviour = 'drop'
    expect(await send()).toMatchObject({ outcome: 'in_doubt' })
  })
})

describe('the server as a whole is unavailable', () => {
  test('when it refuses our sender', async () => {
    server.state.behaviour = 'refuse_sender'
    expect(await send()).toMatchObject({ outcome: 'unavailable' })
  })
  test('when it refuses our password, which is not in the reason', async () => {
    const strict = await startMailServer({ authOptional: false, allowInsecureAuth: true })
    const delivery = await send(`smtp://porch:wrong@127.0.0.1:${strict.port}`)
    await strict.close()
    expect(delivery).toMatchObject({ outcome: 'unavailable' })
    expect(JSON.stringify(delivery)).toMatch(/EAUTH/)
    expect(JSON.stringify(delivery)).not.toContain('wrong')
  })
  test('when nobody listens', async () => {
    const gone = await startMailServer()
    await gone.close()
    expect(await send(gone.url)).toMatchObject({ outcome: 'unavailable' })
    expect(await smtpAt(gone.url).check()).toMatchObject({ reason: expect.stringContaining('ECONNREFUSED') as string })
  })
  test('when it closes the connection instead of greeting', async () => {
    const rude = net.createServer(socket => socket.destroy())
    await new Promise<void>(resolve => rude.listen(0, '127.0.0.1', resolve))
    const { port } = rude.address() as AddressInfo
    expect(await send(`smtp://127.0.0.1:${port}`)).toMatchObject({ outcome: 'unavailable' })
    rude.close()
  })
  test('when it has no TLS although the URL demands it', async () => {
    expect(await send(`${server.url}?tls=starttls`)).toMatchObject({ outcome: 'unavailable' })
    expect(server.state.attempts).toBeGreaterThan(0)
  })
})

describe('a server that hangs', () => {
  const LIMITS = { connectMs: 300, silenceMs: 300, attemptMs: 1500 }
  /** Answers each command until the one at which it falls silent, or then only sends a byte now and then. */
  async function hanging(at: 'greeting' | 'EHLO' | 'AUTH' | 'RCPT' | 'DATA' | 'text', dribbles = false) {
    const timers: NodeJS.Timeout[] = []
    const server = net.createServer(socket => {
      let inText = false
      const hang = () => {
        if (dribbles) timers.push(setInterval(() => socket.write('2'), 50))
      }
      const answer = (command: string, reply: string) => (at === command ? hang() : socket.write(`${reply}\r\n`))
      socket.on('error', () => {})
      socket.on('data', (chunk: Buffer) => {
        for (const line of chunk.toString().split('\r\n').slice(0, -1)) {
          const command = line.slice(0, 4).toUpperCase()
          if (inText && line === '.') {
            inText = false
            answer('text', '250 taken')
          } else if (inText) continue
          else if (command === 'EHLO') answer('EHLO', '250-hello\r\n250 AUTH PLAIN')
          else if (command === 'AUTH') answer('AUTH', '235 welcome')
          else if (command === 'RCPT') answer('RCPT', '250 fine')
          else if (command === 'DATA') {
            inText = at !== 'DATA'
            answer('DATA', '354 go on')
          } else socket.write('250 fine\r\n')
        }
      })
      answer('greeting', '220 here')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const read = readMailUrl(`smtp://porch:secret@127.0.0.1:${port}`)
    const started = performance.now()
    const delivery = read === null ? null : await createSmtp(read, LIMITS).send(ENVELOPE, MESSAGE)
    timers.forEach(timer => clearInterval(timer))
    server.close()
    return { outcome: delivery?.outcome, took: performance.now() - started }
  }
  test.each([
    ['greeting', 'unavailable'],
    ['EHLO', 'unavailable'],
    ['AUTH', 'unavailable'],
    ['RCPT', 'unavailable'],
    ['DATA', 'unavailable'],
    ['text', 'in_doubt'],
  ] as const)('at its %s leaves the mail %s', async (at, outcome) => {
    expect((await hanging(at)).outcome).toBe(outcome)
  })
  test.each([
    ['EHLO', 'unavailable'],
    ['text', 'in_doubt'],
  ] as const)('dribbling instead of answering %s does not hold up the others', async (at, outcome) => {
    const { outcome: found, took } = await hanging(at, true)
    expect(found).toBe(outcome)
    expect(took).toBeLessThan(20_000)
  })
})

test('a sign-in with the right password is used, and checked without sending anything', async () => {
  const strict = await startMailServer({ authOptional: false, allowInsecureAuth: true })
  const url = `smtp://porch:p%40ss@127.0.0.1:${strict.port}`
  expect(await smtpAt(url).check()).toBeNull()
  expect(strict.received).toHaveLength(0)
  expect(await send(url)).toEqual({ outcome: 'sent' })
  expect(strict.state.credentials).toBe('porch:p@ss')
  await strict.close()
})

test('a reply decides what a failure means; without one, whether the text was out', () => {
  expect(deliveryOf({ responseCode: 552, command: 'DATA', response: '552 full' }, true).outcome).toBe('refused')
  expect(deliveryOf({ responseCode: 452, command: 'DATA', response: '452 later' }, true).outcome).toBe('deferred')
  expect(deliveryOf({ responseCode: 421, command: 'DATA', response: '421 closing' }, false).outcome).toBe('unavailable')
  expect(deliveryOf({ code: 'ETIMEDOUT' }, true).outcome).toBe('in_doubt')
  expect(deliveryOf({ code: 'ETIMEDOUT' }, false).outcome).toBe('unavailable')
})
