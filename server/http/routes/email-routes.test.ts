import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CLIENT, GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import { OPERATOR, originOf } from '../../accounts/actor.ts'
import { DAY, HOUR, MINUTE } from '../../base/clock.ts'
import type { EmailAnswer, EventsAnswer, InviteAnswer, PeopleAnswer, SessionAnswer } from '../../contract/wire.ts'
import { openLetter } from '../../mail/letters.ts'
import { identityRecord } from '../../store/records.testing.ts'
import { rawOf } from '../../store/store.testing.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'

const NEXT = 'an entirely new lantern'
const MAIL = {
  server: { host: 'localhost', port: 25, tls: 'none' as const, auth: null },
  from: { address: 'login@porch.example', name: null },
}

let at: ReturnType<typeof testRoutes>
/** An administrator, and a user whose address is verified. */
let root: Browser
let ann: Browser

beforeEach(async () => {
  at = testRoutes({ registration: 'open', mail: MAIL })
  root = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  await root.post('/auth/setup', person('root', { code: at.codeOf(href) }))
  ann = await join('ann')
  await ann.post('/auth/email/verify', { code: await codeTo('ann@example.org') })
}, 60_000)
afterEach(() => at.close())

const PASSKEY = {
  id: 'theirs',
  credentialId: 'credential of theirs',
  publicKey: Buffer.alloc(1),
  counter: 0,
  transports: [],
  deviceType: 'singleDevice' as const,
  backedUp: false,
  aaguid: '',
  name: 'Theirs',
  lastUsedAt: null,
}
const person = (name: string, more: object = {}) => ({
  email: `${name}@example.org`,
  name,
  password: GOOD_PASSWORD,
  ...more,
})
async function join(name: string): Promise<Browser> {
  const browser = at.browser()
  expect((await browser.post('/auth/register', person(name))).status).toBe(200)
  return browser
}
const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T
const session = (browser: Browser) => json<SessionAnswer>(browser.get('/auth/session'))
const userOf = async (browser: Browser) => (await session(browser)).user
const mine = (browser: Browser) => json<EmailAnswer>(browser.get('/auth/email'))
async function signIn(email: string, password = GOOD_PASSWORD): Promise<Browser> {
  const browser = at.browser()
  const answer = await browser.post('/auth/login', { email, password })
  return answer.status === 200 ? browser : Promise.reject(new Error(await refusal(answer)))
}

interface Mail {
  id: string
  kind: string
  address: string
  sealed: string | null
}
const mailsTo = (address: string) =>
  rawOf(at.store)
    .prepare('select id, kind, address, sealed from mails where address = ? order by rowid')
    .all(address) as Mail[]
const kindsTo = (address: string) => mailsTo(address).map(({ kind }) => kind)
async function linkTo(address: string): Promise<string> {
  const { id, sealed } = mailsTo(address).findLast(mail => mail.sealed !== null) ?? { id: '', sealed: '' }
  return (await openLetter(at.keyring, { id, sealed: sealed ?? '' }))?.href ?? ''
}
const codeTo = async (address: string) => at.codeOf(await linkTo(address))
const verify = async (browser: Browser, code: string) => refusal(browser.post('/auth/email/verify', { code }))
const restore = (code: string, password: string | undefined = NEXT) =>
  refusal(at.browser().post('/auth/email/restore', { code, ...(password === undefined ? {} : { password }) }))
async function change(browser: Browser, email: string): Promise<void> {
  expect((await browser.post('/auth/email', { email })).status).toBe(202)
  expect(await verify(browser, await codeTo(email))).toBe('200 ')
}

describe('an address is verified', () => {
  test('by the link that is mailed after signing up, in a session of that account only', async () => {
    const bob = await join('bob')
    expect(await userOf(bob)).toMatchObject({ email: 'bob@example.org', emailVerified: false })
    expect(kindsTo('bob@example.org')).toEqual(['email_verify'])
    const code = await codeTo('bob@example.org')
    expect(await verify(at.browser(), code)).toBe('401 not_signed_in')
    expect(await verify(ann, code), "somebody else's link").toBe('400 invalid_code')
    expect(await verify(bob, code)).toBe('200 ')
    expect(await userOf(bob)).toMatchObject({ emailVerified: true })
    expect(await verify(bob, code), 'a second time').toBe('400 invalid_code')
  })
  test('by an invitation that was mailed to it, whose link nobody else sees, but not by one that was handed over', async () => {
    const invite = (send: boolean, email: string) => json<InviteAnswer>(root.post('/auth/invites', { email, send }))
    const mailed = await invite(true, 'carol@example.org')
    expect(mailed).toMatchObject({ href: null, sent: true, invite: { mailed: 'accepted' } })
    const carol = at.browser()
    await carol.post('/auth/register', person('carol', { invite: await codeTo('carol@example.org') }))
    expect(await userOf(carol)).toMatchObject({ emailVerified: true })
    expect(kindsTo('carol@example.org')).toEqual(['invitation'])

    const handed = await invite(false, 'dave@example.org')
    const dave = at.browser()
    await dave.post('/auth/register', person('dave', { invite: at.codeOf(handed.href) }))
    expect(await userOf(dave)).toMatchObject({ emailVerified: false })
  })
  test('again on request, without a recent sign-in, since nothing changes hands', async () => {
    const bob = await join('bob')
    at.pass(HOUR)
    expect((await bob.post('/auth/email', { email: 'Bob@example.org' })).status).toBe(202)
    expect(kindsTo('Bob@example.org')).toEqual(['email_verify'])
    expect(await verify(bob, await codeTo('Bob@example.org'))).toBe('200 ')
    expect(await userOf(bob), 'as typed').toMatchObject({ email: 'Bob@example.org', emailVerified: true })
  })
  test('for a day, and no link of an earlier request works', async () => {
    const bob = await join('bob')
    const first = await codeTo('bob@example.org')
    at.pass(2 * MINUTE)
    await bob.post('/auth/email', { email: 'bob@example.org' })
    const second = await codeTo('bob@example.org')
    expect(await verify(bob, first)).toBe('400 invalid_code')
    at.pass(DAY)
    expect(await verify(await signIn('bob@example.org'), second)).toBe('400 invalid_code')
  })
  test('by nothing else: until then administrators see it as unverified', async () => {
    await join('bob')
    const { people } = await json<PeopleAnswer>(root.get('/auth/people'))
    expect(people.map(({ name, emailVerified }) => [name, emailVerified])).toEqual([
      ['root', false],
      ['ann', true],
      ['bob', false],
    ])
  })
})

describe('a change of address', () => {
  test('changes nothing until it is confirmed, and is shown until then', async () => {
    await ann.post('/auth/email', { email: 'new@example.org' })
    expect(await userOf(ann)).toMatchObject({ email: 'ann@example.org' })
    expect(await mine(ann)).toMatchObject({
      email: 'ann@example.org',
      verified: true,
      pending: { email: 'new@example.org', endsAt: at.wall() + DAY, refused: false },
    })
    expect(await verify(ann, await codeTo('new@example.org'))).toBe('200 ')
    expect(await userOf(ann)).toMatchObject({ email: 'new@example.org', emailVerified: true })
    expect((await mine(ann)).pending).toBeNull()
    await expect(signIn('ann@example.org')).rejects.toThrow('401 invalid_credentials')
    await signIn('new@example.org')
    const { events } = await json<EventsAnswer>(ann.get('/auth/events'))
    expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['email_requested', 'email_changed']))
  })
  test('ASVS 7.5.1 is only asked for after a recent sign-in', async () => {
    at.pass(16 * MINUTE)
    expect(await refusal(ann.post('/auth/email', { email: 'new@example.org' }))).toBe('401 reauthentication_required')
    await ann.post('/auth/reauthenticate', { password: GOOD_PASSWORD })
    await change(ann, 'new@example.org')
  })
  test('ASVS 6.3.8 is answered alike for an address that is taken, whose owner is told and keeps it', async () => {
    const free = await ann.post('/auth/email', { email: 'free@example.org' })
    const taken = await ann.post('/auth/email', { email: 'root@example.org' })
    expect([taken.status, await taken.text()]).toEqual([free.status, await free.text()])
    expect((await mine(ann)).pending?.email).toBe('root@example.org')
    expect(mailsTo('root@example.org').at(-1)).toMatchObject({ kind: 'email_in_use', sealed: null })
    expect(await userOf(root)).toMatchObject({ email: 'root@example.org' })
  })
  test('ASVS 6.3.8 is limited alike for both, however often it is asked for', async () => {
    const asked = async (email: string) => {
      const statuses: string[] = []
      at.pass(3 * HOUR)
      for (let n = 0; n < 8; n++) {
        at.pass(2 * MINUTE)
        await ann.post('/auth/reauthenticate', { password: GOOD_PASSWORD })
        statuses.push(await refusal(ann.post('/auth/email', { email })))
      }
      return statuses
    }
    expect(await asked('root@example.org')).toEqual(await asked('free@example.org'))
  })
  test('to an address that was taken in the meantime is refused when it is confirmed', async () => {
    await ann.post('/auth/email', { email: 'eve@example.org' })
    const code = await codeTo('eve@example.org')
    await join('eve')
    expect(await verify(ann, code)).toBe('409 email_taken')
    expect(await userOf(ann)).toMatchObject({ email: 'ann@example.org' })
  })
  test('can be withdrawn', async () => {
    await ann.post('/auth/email', { email: 'new@example.org' })
    expect((await ann.delete('/auth/email')).status).toBe(200)
    expect(await verify(ann, await codeTo('new@example.org'))).toBe('400 invalid_code')
    expect(await refusal(ann.delete('/auth/email'))).toBe('404 not_found')
  })
  test('voids links that were mailed to the address before', async () => {
    await at.browser().post('/auth/password/forgot', { email: 'ann@example.org' })
    const reset = await codeTo('ann@example.org')
    await change(ann, 'new@example.org')
    expect(await refusal(at.browser().post('/auth/reset', { code: reset, password: NEXT }))).toBe('400 invalid_code')
  })
  test('from a form without JavaScript leads back to the account page', async () => {
    const asked = await ann.form('/auth/email', { email: 'new@example.org' })
    expect([asked.status, asked.headers.get('location')]).toEqual([303, '/account?saved=email'])
    const confirmed = await ann.form('/auth/email/verify', { code: await codeTo('new@example.org') })
    expect([confirmed.status, confirmed.headers.get('location')]).toEqual([303, '/account?saved=verified'])
    const wrong = await ann.form('/auth/email/verify', { code: 'x'.repeat(32) })
    expect(wrong.headers.get('location')).toBe('/verify-email?problem=invalid_code')
    const stranger = await at.browser().form('/auth/email/verify', { code: 'x' })
    expect(stranger.headers.get('location')).toBe('/verify-email?problem=not_signed_in')
  })
  test('is not offered without mail', async () => {
    await at.close()
    at = testRoutes({ registration: 'open' })
    const browser = at.browser()
    const { href } = await at.people.registration.makeSetupLink()
    await browser.post('/auth/setup', person('root', { code: at.codeOf(href) }))
    expect(await refusal(browser.post('/auth/email', { email: 'new@example.org' }))).toBe('409 mail_unavailable')
    expect(await mine(browser)).toEqual({ email: 'root@example.org', verified: false, pending: null })
  })
})

describe('the code of a change is void once its maker has lost the session or the account is taken back', () => {
  const losses: [string, (thief: Browser) => Promise<unknown>][] = [
    ['the owner changes the password', () => ann.post('/auth/password', { current: GOOD_PASSWORD, next: NEXT })],
    ['the owner signs out everywhere else', () => ann.delete('/auth/sessions')],
    [
      'the owner ends that session',
      async thief => ann.delete(`/auth/sessions/${(await session(thief)).session?.id ?? ''}`),
    ],
    [
      'an administrator ends the sessions',
      async () => root.delete(`/auth/people/${(await userOf(ann))?.id ?? ''}/sessions`),
    ],
    [
      'an administrator disables the account',
      async () => root.patch(`/auth/people/${(await userOf(ann))?.id ?? ''}`, { disabled: true }),
    ],
    [
      'the theft is detected',
      async thief =>
        at.sessions.end((await session(thief)).session?.id ?? '', {
          reason: 'refresh_reuse',
          userId: null,
          byUserId: null,
        }),
    ],
  ]
  test.each(losses)('because %s', async (_, lose) => {
    const thief = await signIn('ann@example.org')
    await thief.post('/auth/email', { email: 'thief@example.org' })
    const code = await codeTo('thief@example.org')
    const id = (await userOf(ann))?.id ?? ''
    await lose(thief)
    expect(await verify(thief, code)).toBe('401 not_signed_in')
    const open = "select count(*) from codes where kind = 'email' and used_at is null and user_id = ?"
    expect(rawOf(at.store).prepare(open).pluck().get(id)).toBe(0)
    expect((await at.people.accounts.find(id))?.email).toBe('ann@example.org')
  })
})

describe('the earlier address is told, with a way back', () => {
  /** Somebody with a session of Ann's takes the account to an address and a password of their own. */
  async function stolen() {
    const thief = await signIn('ann@example.org')
    await change(thief, 'thief@example.org')
    const back = await codeTo('ann@example.org')
    await thief.post('/auth/password', { current: GOOD_PASSWORD, next: 'the thief has a lantern' })
    return { thief, back }
  }

  test('which restores it with a new password, ends every session, and tells the other address', async () => {
    const { thief, back } = await stolen()
    expect(kindsTo('ann@example.org').at(-1)).toBe('email_changed')
    await at.browser().post('/auth/password/forgot', { email: 'thief@example.org' })
    const reset = await codeTo('thief@example.org')
    expect(await restore(back)).toBe('200 ')
    expect((await session(thief)).user).toBeNull()
    expect(await refusal(at.browser().post('/auth/reset', { code: reset, password: NEXT }))).toBe('400 invalid_code')
    expect(kindsTo('thief@example.org').at(-1)).toBe('email_restored')
    expect(kindsTo('ann@example.org').at(-1)).toBe('password_reset')
    const owner = await signIn('ann@example.org', NEXT)
    expect(await userOf(owner)).toMatchObject({ email: 'ann@example.org', emailVerified: true })
    await expect(signIn('ann@example.org', 'the thief has a lantern')).rejects.toThrow('401')
    expect(await restore(back), 'a second time').toBe('400 invalid_code')
  })
  test('for seven days', async () => {
    const { back } = await stolen()
    at.pass(7 * DAY - 1)
    expect(await restore(back)).toBe('200 ')
    const second = await signIn('ann@example.org', NEXT)
    await change(second, 'other@example.org')
    const late = await codeTo('ann@example.org')
    at.pass(7 * DAY)
    expect(await restore(late)).toBe('400 invalid_code')
  })
  test('which the thief cannot take away: not by further changes, a new password, signing out, or a link of their own', async () => {
    const { thief, back } = await stolen()
    await change(thief, 'thief2@example.org')
    const theirs = await codeTo('thief@example.org')
    await thief.delete('/auth/sessions')
    expect(await restore(theirs, 'the thief has two lanterns')).toBe('200 ')
    expect(await restore(back)).toBe('200 ')
    await signIn('ann@example.org', NEXT)
    const later = rawOf(at.store).prepare("select count(*) from codes where kind = 'email_restore' and used_at is null")
    expect(later.pluck().get(), 'nothing leads back to the thief').toBe(0)
  })
  test('whose address nobody else can take until then', async () => {
    const { back } = await stolen()
    expect(await refusal(at.browser().post('/auth/register', person('ann')))).toBe('409 email_taken')
    const bob = await join('bob')
    await bob.post('/auth/email', { email: 'ann@example.org' })
    expect(kindsTo('ann@example.org').at(-1), 'its reader is told').toBe('email_in_use')
    expect(await refusal(root.post('/auth/email/verify', { code: back })), 'another kind of code').toBe(
      '400 invalid_code',
    )
    expect(await restore(back)).toBe('200 ')
  })
  test('which removes what was linked since', async () => {
    const { thief, back } = await stolen()
    const id = (await userOf(thief))?.id ?? ''
    const { session: current } = await session(thief)
    const linked = { ...identityRecord('theirs'), userId: id, createdAt: at.wall() }
    const by = { userId: id, sessionId: current?.id ?? '', client: CLIENT }
    await at.store.identities.link(linked, null, originOf(by, id, at.wall()))
    const key = { ...PASSKEY, userId: id, createdAt: at.wall() }
    await at.store.factors.addPasskey(key, originOf(by, id, at.wall()))
    await restore(back)
    expect(await at.store.identities.list(id)).toEqual([])
    expect((await at.store.factors.of(id)).passkeys).toEqual([])
    expect(await at.store.accounts.find(id)).toMatchObject({ secondFactorAt: null })
  })
  test('needs a password that keeps the rules, and works after a bad one', async () => {
    const { back } = await stolen()
    expect(await restore(back, '')).toBe('400 invalid_body')
    expect(await restore(back, 'too short')).toBe('400 password_too_short')
    expect(await refusal(at.browser().post('/auth/email/restore', { code: back }))).toBe('400 invalid_body')
    expect(await restore(back)).toBe('200 ')
  })
  test('of an account without a password restores it without one, and its link says so', async () => {
    rawOf(at.store).prepare("update accounts set password_sealed = null where email = 'ann@example.org'").run()
    at.people.accounts.changed({ account: await accountOf('ann@example.org'), ended: [] })
    await change(ann, 'new@example.org')
    expect(await linkTo('ann@example.org')).toContain('/restore-email?without=password#code=')
    expect(await restore(await codeTo('ann@example.org'), undefined)).toBe('200 ')
    expect((await session(ann)).ended).toBe('signed_out_elsewhere')
    expect(await accountOf('ann@example.org')).toMatchObject({ passwordSealed: null })
  })
  test('unless nobody ever confirmed it, since it may be misspelt and a stranger’s', async () => {
    const bob = await join('bob')
    await change(bob, 'bob.new@example.org')
    expect(mailsTo('bob@example.org').at(-1)).toMatchObject({ kind: 'email_replaced', sealed: null })
    await join('bob')
  })
  test('while the account is disabled it waits', async () => {
    const { thief, back } = await stolen()
    const id = (await userOf(thief))?.id ?? ''
    await root.patch(`/auth/people/${id}`, { disabled: true })
    expect(await restore(back)).toBe('403 account_disabled')
    await root.patch(`/auth/people/${id}`, { disabled: false })
    expect(await restore(back)).toBe('200 ')
  })
  test('or the change does not happen, if that mail cannot be accepted', async () => {
    await ann.post('/auth/email', { email: 'new@example.org' })
    const code = await codeTo('new@example.org')
    rawOf(at.store).exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000)
      insert into mails (id, kind, address, address_key, created_at, next_at, attempts, doubts)
      select 'n' || i, 'reset', 'a' || i, 'a' || i, 1, 1, 0, 0 from n`)
    expect(await verify(ann, code)).toBe('429 slow_down')
    expect(await userOf(ann)).toMatchObject({ email: 'ann@example.org' })
  })
  test('at most five are open', async () => {
    for (let n = 0; n < 5; n++) {
      at.pass(20 * MINUTE)
      await ann.post('/auth/reauthenticate', { password: GOOD_PASSWORD })
      await change(ann, `n${n}@example.org`)
    }
    at.pass(20 * MINUTE)
    await ann.post('/auth/reauthenticate', { password: GOOD_PASSWORD })
    await ann.post('/auth/email', { email: 'n6@example.org' })
    expect(await verify(ann, await codeTo('n6@example.org'))).toBe('409 limit_reached')
  })

  const accountOf = async (emailKey: string) => {
    const row = await at.store.accounts.findByEmail(emailKey)
    if (row === null) throw new Error(`no account ${emailKey}`)
    return row
  }
})

test('an address whose mail was refused is shown to administrators until a mail is taken again', async () => {
  const refused = async () =>
    (await json<PeopleAnswer>(root.get('/auth/people'))).people.find(({ name }) => name === 'ann')?.mailRefusedAt
  const settle = async (outcome: 'refused' | 'sent') => {
    const id = (await userOf(ann))?.id ?? ''
    at.pass(2 * MINUTE)
    await at.people.accounts.setPassword(id, GOOD_PASSWORD, OPERATOR)
    for (
      let mail = await at.store.mails.takeNext(at.wall());
      mail !== null;
      mail = await at.store.mails.takeNext(at.wall())
    )
      await at.store.mails.finish(mail.id, outcome, at.wall())
    ann = await signIn('ann@example.org')
  }
  expect(await refused()).toBeNull()
  await settle('refused')
  expect(await refused()).toBe(at.wall())
  await settle('sent')
  expect(await refused()).toBeNull()
  await settle('refused')
  await change(ann, 'new@example.org')
  expect(await refused(), 'it was another address').toBeNull()
})

test('an invitation whose mail was refused says so, and so does an address that was asked for', async () => {
  await root.post('/auth/invites', { email: 'gone@example.org', send: true })
  await ann.post('/auth/email', { email: 'nowhere@example.org' })
  for (
    let mail = await at.store.mails.takeNext(at.wall());
    mail !== null;
    mail = await at.store.mails.takeNext(at.wall())
  )
    await at.store.mails.finish(mail.id, 'refused', at.wall())
  expect(await json(root.get('/auth/invites'))).toMatchObject({ invites: [{ mailed: 'refused' }] })
  expect((await mine(ann)).pending).toMatchObject({ email: 'nowhere@example.org', refused: true })
})
