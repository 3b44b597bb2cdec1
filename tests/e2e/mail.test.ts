import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type {
  EventsAnswer,
  InviteAnswer,
  InvitesAnswer,
  MethodsAnswer,
  SessionAnswer,
} from '../../server/contract/wire.ts'
import { hydrated, launchChromium } from '../support/chromium.ts'
import { Visitor } from '../support/client.ts'
import { send } from '../support/forms.ts'
import { linkIn, type MailServer, startMailServer } from '../support/mail-server.ts'
import { codeIn, type Person, setUp, signIn, signUp, somebody } from '../support/people.ts'
import { runCommand, type Server, startServer, stopAll } from '../support/server.ts'

let mail: MailServer
let server: Server
let chromium: Browser
let admin: Visitor
beforeAll(async () => {
  mail = await startMailServer()
  ;[server, chromium] = await Promise.all([
    startServer({ settings: { MAIL_URL: mail.url, MAIL_FROM: 'Porch <login@porch.example>' } }),
    launchChromium(),
  ])
  admin = (await setUp(server.origin)).browser
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
  await mail?.close()
})

const forgot = (email: string, from = new Visitor(server.origin)) => from.post('/auth/password/forgot', { email })
/** Waits for so many mails whose subject matches. */
async function mailsTo(address: string, subject: RegExp, count = 1) {
  const matching = () => mail.to(address).filter(one => subject.test(one.mail.subject ?? ''))
  await expect.poll(() => matching().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count)
  return matching()
}

describe('a forgotten password', () => {
  test('is replaced by a mailed link, which works once, proves the address and signs nobody in', async () => {
    const { person, browser } = await signUp(admin)
    const answer = await forgot(person.email)
    expect([answer.status, answer.text]).toEqual([202, '{}'])
    const [letter] = await mailsTo(person.email, /Set a new password/)
    if (letter === undefined) throw new Error('no mail')
    expect(letter.from).toBe('login@porch.example')
    expect(letter.mail.html).toContain(linkIn(letter))
    const code = codeIn(linkIn(letter))
    const next = { code, password: somebody().password }
    const used = await new Visitor(server.origin).post('/auth/reset', next)
    expect([used.status, used.json<SessionAnswer>().user]).toEqual([200, null])
    expect((await new Visitor(server.origin).post('/auth/reset', next)).status).toBe(400)
    expect((await browser.session()).ended).toBe('password_changed')
    const again = await signIn(server.origin, { ...person, password: next.password })
    const { events } = (await again.get('/auth/events')).json<EventsAnswer>()
    expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['reset_link_made', 'password_reset']))
    await mailsTo(person.email, /password was replaced/)
  })

  test('ASVS 6.3.8 is answered alike for an address without an account, which gets no mail', async () => {
    const { person } = await signUp(admin)
    const [known, unknown] = [await forgot(person.email), await forgot('nobody-at-all@example.org')]
    expect([unknown.status, unknown.text]).toEqual([known.status, known.text])
    expect(Object.keys(unknown.headers)).toEqual(Object.keys(known.headers))
    await mailsTo(person.email, /Set a new password/)
    expect(mail.to('nobody-at-all@example.org')).toHaveLength(0)
  })

  test('asked for again and again fills neither the mailbox nor the outbox, whoever asks', async () => {
    const { person } = await signUp(admin)
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await forgot(person.email)).status))
    expect(new Set(statuses)).toEqual(new Set([202]))
    await mailsTo(person.email, /Set a new password/)
    await new Promise(resolve => setTimeout(resolve, 2500))
    expect((await mailsTo(person.email, /Set a new password/)).length).toBeLessThanOrEqual(5)
    const one = new Visitor(server.origin)
    const fromOne: number[] = []
    for (let n = 0; n < 25; n++) fromOne.push((await forgot(`nobody-${n}@example.org`, one)).status)
    expect(fromOne.filter(status => status === 429).length).toBeGreaterThan(3)
  })

  test('a misspelt address is refused in words', async () => {
    const answer = await forgot('ann@')
    expect([answer.status, answer.json()['code']]).toEqual([400, 'invalid_body'])
  })
})

describe('in the browser', () => {
  let page: Page
  let person: Person
  beforeAll(async () => {
    person = (await signUp(admin)).person
  })

  test('from the sign-in page to a new password, in Chinese', async () => {
    const context = await chromium.newContext({ baseURL: server.origin, locale: 'zh-CN' })
    page = await context.newPage()
    await page.goto('/sign-in')
    await page.getByRole('link', { name: '忘记密码' }).click()
    // The page that is left has such a field, too.
    await page.getByRole('button', { name: '发送链接' }).waitFor()
    await hydrated(page)
    await page.getByLabel('邮箱').fill(person.email)
    await page.getByRole('button', { name: '发送链接' }).click()
    await page.getByRole('heading', { name: '请查收邮件' }).waitFor()
    const [letter] = await mailsTo(person.email, /设置新密码/)
    if (letter === undefined) throw new Error('no mail')
    expect(letter.mail.text).toContain('30 分钟内有效')
    await page.goto(linkIn(letter))
    await hydrated(page)
    person.password = somebody().password
    await page.getByLabel('新密码').fill(person.password)
    await page.locator('form button[type=submit]').click()
    await page.getByRole('link', { name: '登录' }).first().waitFor()
    await context.close()
    await signIn(server.origin, person)
  })

  test('UX-18 without JavaScript', async () => {
    const context = await chromium.newContext({ baseURL: server.origin, javaScriptEnabled: false })
    page = await context.newPage()
    await page.goto('/forgot')
    const { person: other } = await signUp(admin)
    await send(page, '/auth/password/forgot', { email: other.email })
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/forgot?sent=1')
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('Check your mail')
    expect(page.url()).not.toContain('@')
    await mailsTo(other.email, /Set a new password/)
    await context.close()
  })

  test('an administrator invites by mail', async () => {
    const invited = somebody('New Person')
    const answer = await admin.post('/auth/invites', { email: invited.email, send: true })
    expect(answer.json<InviteAnswer>()).toMatchObject({ href: null, sent: true, invite: { email: invited.email } })
    const [letter] = await mailsTo(invited.email, /invited/)
    if (letter === undefined) throw new Error('no mail')
    expect(letter.mail.text).toContain('Ada First invites you')
    expect(letter.mail.text).toContain('7 days')
    const browser = new Visitor(server.origin)
    expect((await browser.post('/auth/register', { ...invited, invite: codeIn(linkIn(letter)) })).status).toBe(200)
    const refused = await admin.post('/auth/invites', { send: true })
    expect(refused.json()).toMatchObject({ code: 'invalid_body', fields: { email: expect.any(String) as string } })
    expect(
      (await admin.get('/auth/invites')).json<InvitesAnswer>().invites.filter(({ email }) => email === null),
    ).toEqual([])
  })
})

describe('the address of an account, in the browser', () => {
  const newAddress = () => somebody().email
  const addressOf = async (browser: Visitor) => (await browser.session()).user
  async function latestTo(address: string, subject: RegExp) {
    const letter = (await mailsTo(address, subject)).at(-1)
    if (letter === undefined) throw new Error('no mail')
    return linkIn(letter)
  }

  test('is changed on the account page, confirmed by the mailed link, and restored by the one to the old address', async () => {
    const { person, browser } = await signUp(admin)
    await browser.post('/auth/email/verify', { code: codeIn(await latestTo(person.email, /Confirm your address/)) })
    const next = newAddress()
    const context = await chromium.newContext({ baseURL: server.origin })
    const page = await context.newPage()
    await page.goto('/sign-in?returnTo=/account')
    await hydrated(page)
    await page.getByLabel('E-mail').fill(person.email)
    await page.getByLabel('Password', { exact: true }).fill(person.password)
    await page.locator('form button[type=submit]').click()
    await page.waitForURL('/account')
    await page.getByLabel('New e-mail address').fill(next)
    await page.getByRole('button', { name: 'Change address' }).click()
    await page.getByText('Waiting for confirmation').waitFor()
    await page.reload()
    await page.getByText(`Open the link in the mail to`).waitFor()

    const link = await latestTo(next, /Confirm your new address/)
    await page.goto(link)
    await hydrated(page)
    expect(page.url(), 'the code is not in the address bar').toBe(`${server.origin}/verify-email`)
    await page.getByRole('button', { name: 'Confirm address' }).click()
    await page.getByText('Address confirmed.').waitFor()
    expect(await addressOf(browser)).toMatchObject({ email: next, emailVerified: true })

    await page.goto(await latestTo(person.email, /address was changed/))
    await hydrated(page)
    const password = somebody().password
    await page.getByLabel('New password').fill(password)
    await page.getByRole('button', { name: 'Restore my address' }).click()
    await page.getByRole('heading', { name: 'Your account is yours again' }).waitFor()
    expect((await browser.session()).ended).toBe('password_changed')
    await signIn(server.origin, { ...person, password })
    await mailsTo(next, /address was removed/)
    await context.close()
  })

  test('is confirmed after a sign-in, if the link was opened in a browser without a session', async () => {
    const { person } = await signUp(admin)
    const context = await chromium.newContext({ baseURL: server.origin })
    const page = await context.newPage()
    await page.goto(await latestTo(person.email, /Confirm your address/))
    await hydrated(page)
    await page.locator('main').getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('E-mail').fill(person.email)
    await page.getByLabel('Password', { exact: true }).fill(person.password)
    await page.locator('form button[type=submit]').click()
    await page.getByRole('button', { name: 'Confirm address' }).click()
    await page.getByText('Address confirmed.').waitFor()
    await context.close()
  })

  test('UX-18 is asked for, confirmed and restored without JavaScript', async () => {
    const { person, browser } = await signUp(admin)
    await browser.post('/auth/email/verify', { code: codeIn(await latestTo(person.email, /Confirm your address/)) })
    const context = await chromium.newContext({ baseURL: server.origin, javaScriptEnabled: false })
    const cookies = browser.jar
      .all()
      .map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: server.origin }))
    await context.addCookies(cookies)
    const page = await context.newPage()
    await page.goto('/account')
    const next = newAddress()
    await send(page, '/auth/email', { email: next })
    expect(await page.locator('main').textContent()).toContain('A link is on its way')
    await page.goto(await latestTo(next, /Confirm your new address/))
    await send(page, '/auth/email/verify', { code: codeIn(await latestTo(next, /Confirm your new address/)) })
    expect(await page.locator('main').textContent()).toContain('Address confirmed.')
    const back = await latestTo(person.email, /address was changed/)
    await page.goto(back)
    await send(page, '/auth/email/restore', { code: codeIn(back), password: 'short' })
    expect(await page.getByRole('alert').first().textContent()).toContain('too short')
    await send(page, '/auth/email/restore', { code: codeIn(back), password: somebody().password })
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('yours again')
    await context.close()
  })
})

describe('ASVS 6.3.7 people are told what happens to their accounts', () => {
  test('of a sign-in from a new device, with device and network, but not of the first one nor of a known browser', async () => {
    const { person, browser } = await signUp(admin)
    await browser.post('/auth/logout')
    await browser.post('/auth/login', { email: person.email, password: person.password })
    expect(mail.to(person.email).filter(one => /New sign-in/.test(one.mail.subject ?? ''))).toEqual([])
    const elsewhere = new Visitor(server.origin)
    elsewhere.userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'
    await elsewhere.post('/auth/login', { email: person.email, password: person.password })
    const [notice, ...more] = await mailsTo(person.email, /New sign-in/)
    expect(more).toEqual([])
    expect(notice?.mail.text).toContain('Firefox 143 on Linux')
    expect(notice?.mail.text).toContain(elsewhere.address)
  })

  test('of a changed password, and of an account that is disabled', async () => {
    const { person, browser } = await signUp(admin)
    const id = (await browser.session()).user?.id ?? ''
    await browser.post('/auth/password', { current: person.password, next: somebody().password })
    await mailsTo(person.email, /password was changed/)
    await admin.ask({ method: 'PATCH', path: `/auth/people/${id}`, body: { disabled: true } })
    await mailsTo(person.email, /disabled/)
    await forgot(person.email)
    expect(mail.to(person.email).filter(one => /Set a new/.test(one.mail.subject ?? ''))).toEqual([])
  })
})

describe('an operator', () => {
  const settings = () => ({ MAIL_URL: mail.url, MAIL_FROM: 'login@porch.example', PUBLIC_URL: server.origin })
  const run = (...args: string[]) => runCommand(args, { dataDir: server.dataDir, settings: settings() })

  test('sends a test mail, and sees what the server says', async () => {
    const { code, output } = await run('mail', 'test', 'operator@example.org')
    expect([code, output]).toEqual([0, expect.stringContaining('took a mail for operator@example.org')])
    expect(mail.to('operator@example.org').map(one => one.mail.subject)).toEqual(['Test · Porchlight'])
    mail.state.behaviour = 'refuse'
    const refused = await run('mail', 'test', 'operator@example.org')
    mail.state.behaviour = 'accept'
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('refused the mail: EENVELOPE 550')])
    expect((await run('mail', 'test', 'nobody')).output).toContain('not an e-mail address')
  })
  test('learns from the doctor whether the mail server can be used, and what became of the mails', async () => {
    const { output } = await run('doctor')
    expect(output).toMatch(/Mail: 127\.0\.0\.1:\d+ accepts connections without TLS/)
    expect(output).toMatch(/Mail: \d+ sent in the last 24 hours, 0 waiting/)
    const gone = { ...settings(), MAIL_URL: 'smtp://127.0.0.1:1' }
    expect((await runCommand(['doctor'], { dataDir: server.dataDir, settings: gone })).output).toContain(
      'cannot be used',
    )
  })
  test('ASVS 16.2.5 finds no address and no code in the log', () => {
    expect(server.output).toContain('mail_sent')
    expect(server.output).not.toMatch(/@example\.org|#code=/)
  })
})

test('without a mail server nothing is offered, and asking for it says so', async () => {
  const plain = await startServer()
  const visitor = new Visitor(plain.origin)
  expect((await visitor.get('/auth/methods')).json<MethodsAnswer>().mail).toBe(false)
  const answer = await visitor.post('/auth/password/forgot', { email: 'ann@example.org' })
  expect([answer.status, answer.json()['code']]).toEqual([409, 'mail_unavailable'])
  expect((await visitor.page('/forgot')).text).toContain('Ask an administrator')
})
