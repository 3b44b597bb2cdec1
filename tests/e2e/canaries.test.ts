import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { InviteAnswer, ResetLinkAnswer } from '../../server/contract/wire.ts'
import { type Answer, rawExchange, Visitor } from '../support/client.ts'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { codeIn, somebody } from '../support/people.ts'
import { type Server, SETUP_CODE, startServer, stopAll, waitUntil } from '../support/server.ts'
import { SHORT_LIVES, untilAccessEnds } from '../support/short-lives.ts'

// Something unmistakable in every place that holds a secret; afterwards everything that left the server is searched for
// it.
const CANARY = 'canary7f3a'
const PASSWORDS = ['first', 'wrong', 'second', 'invited', 'reset'].map(word => `${CANARY} ${word} password lantern`)
const [FIRST = '', WRONG = '', SECOND = '', INVITED = '', RESET = ''] = PASSWORDS

let server: Server
let receiver: OtlpReceiver
const answers: { what: string; answer: Answer }[] = []
const secrets = new Map<string, string>(PASSWORDS.map(password => [`password ${password}`, password]))

beforeAll(async () => {
  receiver = await startOtlpReceiver()
  server = await startServer({ settings: { ...SHORT_LIVES, LOG_LEVEL: 'debug', TRACES_URL: receiver.url } })
  await liveALittle()
})
afterAll(async () => {
  await stopAll()
  await receiver.stop()
})

async function liveALittle(): Promise<void> {
  const admin = new Visitor(server.origin)
  const ada = { ...somebody('Ada First'), password: FIRST }
  secrets.set('set-up code', SETUP_CODE)
  await tell('set-up', admin, () => admin.post('/auth/setup', { code: SETUP_CODE, ...ada }))
  await tell('wrong password', admin, () => admin.stranger().post('/auth/login', { email: ada.email, password: WRONG }))
  await tell('wrong password by form', admin, () => admin.form('/auth/login', { email: ada.email, password: WRONG }))
  await tell('the page after it', admin, () => admin.page('/sign-in'))
  await tell('password in the wrong type', admin, () =>
    admin.post('/auth/login', { email: ada.email, password: [WRONG] }),
  )
  await tell('password in an unknown field', admin, () =>
    admin.post('/auth/login', { email: ada.email, password: WRONG, passwort: WRONG }),
  )
  await tell('a set-up form with a wrong password', admin, () =>
    admin.form('/auth/register', { ...somebody(), password: WRONG, invite: `${CANARY}-invite` }),
  )
  secrets.set("a form's invitation code", `${CANARY}-invite`)
  await tell('the page after that', admin, () => admin.page('/sign-up'))
  await tell('broken JSON', admin, () =>
    admin.post('/auth/login', `{"password":"${WRONG}"`, { 'content-type': 'application/json' }),
  )
  await tell('password change', admin, () => admin.post('/auth/password', { current: FIRST, next: SECOND }))
  await tell('re-authentication', admin, () => admin.post('/auth/reauthenticate', { password: SECOND }))

  const invitation = await tell('invitation', admin, () => admin.post('/auth/invites', {}))
  const code = codeIn(invitation.json<InviteAnswer>().href)
  const grace = new Visitor(server.origin)
  const made = await tell('sign-up', grace, () =>
    grace.post('/auth/register', { ...somebody('Grace'), password: INVITED, invite: code }),
  )
  secrets.set('invitation code', code)
  const link = await tell('reset link', admin, () =>
    admin.post(`/auth/people/${made.json<{ user: { id: string } }>().user.id}/reset`),
  )
  const resetCode = codeIn(link.json<ResetLinkAnswer>().href)
  await tell('reset', grace, () => grace.post('/auth/reset', { code: resetCode, password: RESET }))
  secrets.set('reset code', resetCode)

  await untilAccessEnds(admin)
  for (const path of ['/', '/account', '/account/sessions', '/account/security', '/people', '/no-such-page'])
    await tell(`page ${path}`, admin, () => admin.page(path))
  for (const path of [
    '/auth/session',
    '/auth/sessions',
    '/auth/events',
    '/auth/methods',
    '/auth/people',
    '/auth/invites',
    '/auth/nothing',
  ])
    await tell(path, admin, () => admin.get(path))
  await tell('canary in a query', admin, () => admin.get(`/auth/session?token=${CANARY}-in-query`))
  secrets.set('query', `${CANARY}-in-query`)
  await tell('canary in headers', admin, () =>
    admin.get('/auth/session', {
      authorization: `Bearer ${CANARY}-bearer`,
      'x-api-key': `${CANARY}-key`,
      referer: `${server.origin}/x?code=${CANARY}-referer`,
    }),
  )
  for (const word of ['bearer', 'key', 'referer']) secrets.set(`header ${word}`, `${CANARY}-${word}`)
  await rawExchange(
    server.port,
    `GET / HTTP/1.1\r\nHost: localhost\r\nHost: x\r\nCookie: porchlight-refresh=${CANARY}-raw\r\n bad\r\n\r\n`,
    1000,
  )
  secrets.set('cookie in a broken request', `${CANARY}-raw`)

  for (const [index, browser] of [admin, grace].entries()) {
    for (const cookie of browser.jar.received.filter(each => each.value !== ''))
      secrets.set(`${index} ${cookie.name} ${cookie.value.slice(-6)}`, cookie.value)
  }
  await tell('sign-out', admin, () => admin.post('/auth/logout'))
  // Lines of the log leave together, a moment later.
  await waitUntil(() => server.output.includes('/auth/logout'), 'the last line of the log')
  await waitUntil(() => receiver.bodies.some(body => body.includes('/auth/logout')), 'the last trace')
}

async function tell(what: string, _browser: Visitor, ask: () => Promise<Answer>): Promise<Answer> {
  const answer = await ask()
  answers.push({ what, answer })
  return answer
}

/** Set-Cookie and one-time links are where secrets have to be; everything else is where they must not be. */
const HANDS_OUT = ['invitation', 'reset link']

test('ASVS 16.2.5, BBA-3 no password, code, cookie or token comes back in HTML, payloads, JSON or headers', () => {
  const leaks: string[] = []
  for (const { what, answer } of answers) {
    const headers = JSON.stringify({ ...answer.headers, 'set-cookie': undefined })
    for (const [name, secret] of secrets) {
      if (HANDS_OUT.includes(what) && name.endsWith('code')) continue
      if (answer.text.includes(secret)) leaks.push(`${name} in the body of ${what}`)
      if (headers.includes(secret)) leaks.push(`${name} in the headers of ${what}`)
    }
  }
  expect(answers.length).toBeGreaterThan(25)
  expect(leaks).toEqual([])
})

test('ASVS 16.2.5 no password, code, cookie or token is in the log, and every request is', () => {
  expect(server.output).toContain('/auth/password')
  expect([...secrets].filter(([, secret]) => server.output.includes(secret)).map(([name]) => name)).toEqual([])
  expect(server.output).not.toContain(CANARY)
  for (const line of server.output.split('\n').filter(text => text.startsWith('{')))
    expect(line).not.toMatch(/"[^"]*\?(code|invite|token)=/)
})

test('no password, code, cookie, token, query or person is in a trace, and every route is', () => {
  const sent = receiver.bodies.join('\n')
  for (const route of ['/auth/setup', '/auth/password', '/auth/register', '/auth/invites'])
    expect(sent).toContain(route)
  expect([...secrets].filter(([, secret]) => sent.includes(secret)).map(([name]) => name)).toEqual([])
  expect(sent).not.toMatch(new RegExp(`${CANARY}|@|Ada First|Grace|[?]code`))
})

test('what is on disk holds neither passwords nor codes nor tokens, in the database or beside it', () => {
  const files = readdirSync(server.dataDir, { recursive: true, encoding: 'utf8' })
    .map(name => join(server.dataDir, name))
    .filter(path => statSync(path).isFile())
  expect(files.length).toBeGreaterThan(1)
  for (const file of files) {
    const bytes = readFileSync(file).toString('latin1')
    for (const [name, secret] of secrets) expect(bytes.includes(secret), `${name} in ${file}`).toBe(false)
  }
})

test("the data folder is its owner's alone", () => {
  for (const name of ['', ...readdirSync(server.dataDir, { recursive: true, encoding: 'utf8' })]) {
    expect(statSync(join(server.dataDir, name)).mode & 0o077, name).toBe(0)
  }
})
