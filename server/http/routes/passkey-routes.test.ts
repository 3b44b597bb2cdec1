import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import { OPERATOR } from '../../accounts/actor.ts'
import { type Deviations, SoftAuthenticator } from '../../accounts/passkeys/authenticator.testing.ts'
import { MINUTE } from '../../base/clock.ts'
import type { PasskeySignals, SessionAnswer, WirePasskey } from '../../contract/wire.ts'
import { rawOf } from '../../store/store.testing.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'

const ORIGIN = 'https://porch.example'
const SIGN_IN = '/auth/login/passkey'

let services: ReturnType<typeof testRoutes>
let ann: Browser
beforeEach(async () => {
  services = testRoutes({ publicUrl: ORIGIN })
  await account('ann')
  ann = await signedIn('ann')
})
afterEach(() => services.close())

const account = (name: string) =>
  services.people.accounts.create(
    { email: `${name}@example.org`, name, roles: ['admin', 'user'], password: GOOD_PASSWORD },
    OPERATOR,
  )
async function signedIn(name: string): Promise<Browser> {
  const browser = services.browser()
  const credentials = { email: `${name}@example.org`, password: GOOD_PASSWORD }
  expect((await browser.post('/auth/login', credentials)).status).toBe(200)
  return browser
}
interface Options {
  challenge: string
  rpId: string
  user: { id: string }
  allowCredentials: { id: string }[]
  excludeCredentials: { id: string }[]
  authenticatorSelection: object
}
async function optionsFrom(browser: Browser, path: string, body?: object): Promise<Options> {
  const answer = await browser.post(path, body)
  expect(answer.status).toBe(200)
  return (await answer.json()) as Options
}
const addOptions = (browser: Browser, automatic = false) =>
  optionsFrom(browser, '/auth/passkeys/options', { automatic })
/** Adds a passkey to the account that is signed in. */
async function add(browser: Browser, authenticator: SoftAuthenticator, name = 'Laptop'): Promise<WirePasskey> {
  const credential = authenticator.create(await addOptions(browser))
  const answer = await browser.post('/auth/passkeys', { credential, name })
  expect(answer.status).toBe(200)
  return (await answer.json()) as WirePasskey
}
/** The first passkey in each browser, which confirms that more may be added. */
const firsts = new WeakMap<Browser, SoftAuthenticator>()
async function passkeyOf(browser: Browser, habits: Deviations = {}) {
  const authenticator = new SoftAuthenticator(ORIGIN, habits)
  const first = firsts.get(browser)
  if (first !== undefined) expect((await confirm(browser, first)).status).toBe(200)
  else firsts.set(browser, authenticator)
  return { authenticator, passkey: await add(browser, authenticator) }
}
async function signInWith(authenticator: SoftAuthenticator, deviations: Deviations = {}, browser = services.browser()) {
  const options = await optionsFrom(browser, `${SIGN_IN}/options`)
  return browser.post(SIGN_IN, { credential: authenticator.get(options, deviations) })
}
const kindsOf = async (id: string) => (await services.people.log.page(id, null)).events.map(({ kind }) => kind)
const annId = async () => (await services.people.accounts.findByEmail('ann@example.org'))?.id ?? ''

describe('a sign-in with a passkey', () => {
  test('UX-9 NI-23 needs no address, and is AAL2 because the user was verified', async () => {
    const { authenticator, passkey } = await passkeyOf(ann)
    services.pass(MINUTE)
    const browser = services.browser()
    const answer = await signInWith(authenticator, {}, browser)
    expect(answer.status).toBe(200)
    const { user, session } = (await answer.json()) as SessionAnswer
    expect([user?.email, session?.amr, session?.acr]).toEqual(['ann@example.org', ['pop', 'user', 'mfa'], 'aal2'])
    expect((await browser.get('/auth/sessions')).status).toBe(200)
    const [row] = (await services.store.factors.of(user?.id ?? '')).passkeys
    expect(row).toMatchObject({ id: passkey.id, counter: 1, lastUsedAt: services.wall() })
  })

  test('UX-12 its options are the same for everybody, whether or not anybody has a passkey', async () => {
    const before = await optionsFrom(services.browser(), `${SIGN_IN}/options`)
    await passkeyOf(ann)
    const after = await optionsFrom(services.browser(), `${SIGN_IN}/options`)
    expect({ ...after, challenge: '' }).toEqual({ ...before, challenge: '' })
    expect(after).toMatchObject({ rpId: 'porch.example', allowCredentials: [], userVerification: 'required' })
    expect(after.challenge).not.toBe(before.challenge)
  })

  test('NI-23 is refused without user verification', async () => {
    const { authenticator } = await passkeyOf(ann)
    expect(await refusal(signInWith(authenticator, { userVerified: false }))).toBe('401 user_verification_required')
  })

  test('UX-9 is not replayed: the same answer works once, and never in another browser', async () => {
    const { authenticator } = await passkeyOf(ann)
    const browser = services.browser()
    const options = await optionsFrom(browser, `${SIGN_IN}/options`)
    const kept = new Map(browser.jar)
    const credential = authenticator.get(options)
    expect((await browser.post(SIGN_IN, { credential })).status).toBe(200)
    expect(await refusal(browser.post(SIGN_IN, { credential })), 'again').toBe('400 login_expired')
    const copy = services.browser()
    for (const [name, value] of kept) copy.jar.set(name, value)
    expect(await refusal(copy.post(SIGN_IN, { credential })), 'with the cookies of before').toBe('400 login_expired')
    expect(await refusal(services.browser().post(SIGN_IN, { credential })), 'elsewhere').toBe('400 login_expired')
  })

  test('UX-9 one of twenty concurrent answers signs in', async () => {
    const { authenticator } = await passkeyOf(ann)
    const browser = services.browser()
    const credential = authenticator.get(await optionsFrom(browser, `${SIGN_IN}/options`))
    const copies = Array.from({ length: 20 }, () => {
      const copy = services.browser()
      for (const [name, value] of browser.jar) copy.jar.set(name, value)
      return copy
    })
    const answers = await Promise.all(copies.map(copy => copy.post(SIGN_IN, { credential })))
    expect(answers.map(({ status }) => status).filter(status => status === 200)).toHaveLength(1)
  })

  test('two tabs do not disturb each other', async () => {
    const [laptop, phone] = [(await passkeyOf(ann)).authenticator, (await passkeyOf(ann)).authenticator]
    const browser = services.browser()
    const [first, second] = [
      await optionsFrom(browser, `${SIGN_IN}/options`),
      await optionsFrom(browser, `${SIGN_IN}/options`),
    ]
    expect((await browser.post(SIGN_IN, { credential: phone.get(second) })).status).toBe(200)
    expect((await browser.post(SIGN_IN, { credential: laptop.get(first) })).status).toBe(200)
  })

  test('UX-9 has to be finished within five minutes', async () => {
    const { authenticator } = await passkeyOf(ann)
    const browser = services.browser()
    const options = await optionsFrom(browser, `${SIGN_IN}/options`)
    services.pass(5 * MINUTE)
    expect(await refusal(browser.post(SIGN_IN, { credential: authenticator.get(options) }))).toBe('400 login_expired')
  })

  test('a passkey that was removed or never registered is unknown, and strangers leave nothing in the database', async () => {
    const { authenticator, passkey } = await passkeyOf(ann)
    const rows = () => rawOf(services.store).prepare('SELECT count(*) FROM single_uses').pluck().get()
    const before = rows()
    expect(await refusal(signInWith(new SoftAuthenticator(ORIGIN, { userHandle: 'eA' })))).toBe('401 passkey_unknown')
    expect(rows()).toBe(before)
    expect((await confirm(ann, authenticator)).status).toBe(200)
    expect((await ann.delete(`/auth/passkeys/${passkey.id}`)).status).toBe(200)
    expect(await refusal(signInWith(authenticator))).toBe('401 passkey_unknown')
  })

  test('UX-9 the right credential id with the key or handle of another account is refused', async () => {
    await account('bob')
    const bob = await signedIn('bob')
    const [{ authenticator: hers }, { authenticator: his }] = [await passkeyOf(ann), await passkeyOf(bob)]
    const browser = services.browser()
    const forged = his.get(await optionsFrom(browser, `${SIGN_IN}/options`))
    const { credentialId: id } = hers
    expect(await refusal(browser.post(SIGN_IN, { credential: { ...forged, id, rawId: id } }))).toBe(
      '401 passkey_refused',
    )
    const handle = (await services.store.factors.findUserHandle(await annId())) ?? ''
    expect(await refusal(signInWith(his, { userHandle: handle }))).toBe('401 passkey_refused')
    expect(await refusal(signInWith(his, { userHandle: null })), 'nobody was chosen').toBe('401 passkey_refused')
  })

  test('a disabled account is told so only after its passkey was verified', async () => {
    const { authenticator } = await passkeyOf(ann)
    await services.people.accounts.create(
      { email: 'root@example.org', name: 'Root', roles: ['admin', 'user'], password: GOOD_PASSWORD },
      OPERATOR,
    )
    await services.people.accounts.change(await annId(), { disabled: true }, OPERATOR)
    expect(await refusal(signInWith(authenticator, { origin: 'https://evil.example' }))).toBe('401 passkey_refused')
    expect(await refusal(signInWith(authenticator))).toBe('403 account_disabled')
  })

  test('a counter that goes back refuses a passkey of one device, is noted for a synced one, and logged for both', async () => {
    await passkeyOf(ann)
    const { authenticator: bound } = await passkeyOf(ann, { counter: 5 })
    expect((await signInWith(bound, { counter: 9 })).status).toBe(200)
    expect(await refusal(signInWith(bound, { counter: 9 }))).toBe('401 passkey_refused')
    expect((await signInWith(bound, { counter: 10 })).status).toBe(200)
    const { authenticator: synced } = await passkeyOf(ann, { syncable: true, backedUp: true })
    expect((await signInWith(synced, { counter: 9 })).status).toBe(200)
    expect((await signInWith(synced, { counter: 3 })).status).toBe(200)
    expect((await kindsOf(await annId())).filter(kind => kind === 'passkey_counter_reversed')).toHaveLength(2)
  })

  test('is written to the logs by its method, and counted', async () => {
    const { authenticator } = await passkeyOf(ann)
    const before = services.outcomes.length
    await signInWith(authenticator)
    await signInWith(authenticator, { rpId: 'evil.example' })
    expect(services.outcomes.slice(before)).toEqual(['signed_in', 'passkey_refused'])
    const lines = services.lines.filter(line => line.includes('"method":"passkey"'))
    expect(lines.some(line => line.includes('sign_in_succeeded'))).toBe(true)
    expect(lines.some(line => line.includes('sign_in_failed'))).toBe(true)
    expect(await kindsOf(await annId())).toContain('signed_in')
  })
})

async function confirm(browser: Browser, authenticator: SoftAuthenticator, deviations: Deviations = {}) {
  const options = await optionsFrom(browser, '/auth/reauthenticate/options')
  return browser.post('/auth/reauthenticate', { credential: authenticator.get(options, deviations) })
}

describe('a passkey as the second step of a sign-in', () => {
  const begin = async (browser = services.browser(), name = 'ann') => {
    const answer = await browser.post('/auth/login', { email: `${name}@example.org`, password: GOOD_PASSWORD })
    expect(await answer.json()).toEqual({ next: 'second_factor', methods: ['passkey'] })
    return browser
  }
  const finish = async (browser: Browser, authenticator: SoftAuthenticator, deviations: Deviations = {}) =>
    browser.post(SIGN_IN, {
      credential: authenticator.get(await optionsFrom(browser, `${SIGN_IN}/options`), deviations),
    })

  test('NI-23 completes it, without user verification too, once', async () => {
    const { authenticator } = await passkeyOf(ann)
    const browser = await begin()
    const options = await optionsFrom(browser, `${SIGN_IN}/options`)
    expect(options).toMatchObject({
      userVerification: 'preferred',
      allowCredentials: [{ id: authenticator.credentialId }],
    })
    const credential = authenticator.get(options, { userVerified: false, userHandle: null })
    const answer = await browser.post(SIGN_IN, { credential })
    const { session } = (await answer.json()) as SessionAnswer
    expect([answer.status, session?.amr, session?.acr]).toEqual([200, ['pwd', 'pop', 'user', 'mfa'], 'aal2'])
    expect(await refusal(browser.post(SIGN_IN, { credential }))).toBe('400 login_expired')
  })

  test('is refused with the passkey of another account, and then goes on with the right one', async () => {
    await account('bob')
    const [{ authenticator: hers }, { authenticator: his }] = [
      await passkeyOf(ann),
      await passkeyOf(await signedIn('bob')),
    ]
    const browser = await begin()
    expect(await refusal(finish(browser, his))).toBe('403 passkey_of_another')
    expect((await finish(browser, hers)).status).toBe(200)
  })

  test('JW-12 an answer for it opens nothing in another sign-in, nor one of a sign-in it', async () => {
    const { authenticator } = await passkeyOf(ann)
    const browser = await begin()
    const credential = authenticator.get(await optionsFrom(browser, `${SIGN_IN}/options`), { userVerified: false })
    await begin(browser)
    expect(await refusal(browser.post(SIGN_IN, { credential }))).toBe('400 login_expired')
    const start = await optionsFrom(browser, `${SIGN_IN}/options`, { secondFactor: false })
    expect(start.allowCredentials).toEqual([])
    expect(
      await refusal(browser.post(SIGN_IN, { credential: authenticator.get(start, { userVerified: false }) })),
    ).toBe('401 user_verification_required')
  })
})

describe('confirming who one is with a passkey', () => {
  test('ASVS 7.2.4 gives a new session that is fresh and AAL2', async () => {
    const { authenticator } = await passkeyOf(ann)
    services.pass(20 * MINUTE)
    const answer = await confirm(ann, authenticator)
    expect(answer.status).toBe(200)
    const { session } = (await answer.json()) as SessionAnswer
    expect([session?.acr, session?.authTime]).toEqual(['aal2', services.wall()])
  })

  test('is refused with the passkey of another account, and names only those of this one', async () => {
    await account('bob')
    const [{ authenticator: hers }, { authenticator: his }] = [
      await passkeyOf(ann),
      await passkeyOf(await signedIn('bob')),
    ]
    const options = await optionsFrom(ann, '/auth/reauthenticate/options')
    expect(options.allowCredentials.map(({ id }) => id)).toEqual([hers.credentialId])
    expect(await refusal(confirm(ann, his))).toBe('403 passkey_of_another')
    expect(await refusal(confirm(ann, hers, { userVerified: false }))).toBe('401 user_verification_required')
  })

  test('ASVS 7.5.1 is also taken where the password would be, but not together with it', async () => {
    const { authenticator } = await passkeyOf(ann)
    const credential = authenticator.get(await optionsFrom(ann, '/auth/reauthenticate/options'))
    const both = { password: GOOD_PASSWORD, credential }
    expect(await refusal(ann.post('/auth/reauthenticate', both))).toBe('400 invalid_body')
    expect(await refusal(ann.post('/auth/reauthenticate', {}))).toBe('400 invalid_body')
    const answer = await ann.post('/auth/reauthenticate', { credential })
    expect(await answer.json()).toMatchObject({ session: { acr: 'aal2', authTime: services.wall() } })
  })

  test('ASVS 6.3.3 completes a sign-in that began with the password, of its own account', async () => {
    const { authenticator } = await passkeyOf(ann)
    const browser = services.browser()
    const first = await browser.post('/auth/login', { email: 'ann@example.org', password: GOOD_PASSWORD })
    expect(await first.json()).toEqual({ next: 'second_factor', methods: ['passkey'] })
    expect((await signInWith(authenticator, {}, browser)).status).toBe(200)
    expect([...browser.jar.keys()].filter(name => name.includes('second-factor'))).toEqual([])
  })

  test('JW-12 an answer for a sign-in confirms nothing, nor one of another session', async () => {
    const { authenticator } = await passkeyOf(ann)
    const signIn = await optionsFrom(ann, `${SIGN_IN}/options`)
    const credential = authenticator.get(signIn)
    expect(await refusal(ann.post('/auth/reauthenticate', { credential }))).toBe('400 login_expired')
    const options = await optionsFrom(ann, '/auth/reauthenticate/options')
    expect((await confirm(ann, authenticator)).status).toBe(200)
    const late = authenticator.get(options)
    expect(await refusal(ann.post('/auth/reauthenticate', { credential: late }))).toBe('400 login_expired')
  })
})

describe('the passkeys of an account', () => {
  test('UX-10 are made with a random handle that says nothing, and not twice on one authenticator', async () => {
    const first = await addOptions(ann)
    const { authenticator } = await passkeyOf(ann)
    expect((await confirm(ann, authenticator)).status).toBe(200)
    const second = await addOptions(ann)
    expect(Buffer.from(first.user.id, 'base64url')).toHaveLength(32)
    expect(second.user.id).toBe(first.user.id)
    expect(second.excludeCredentials).toEqual([
      { id: authenticator.credentialId, type: 'public-key', transports: ['internal'] },
    ])
    expect(second).toMatchObject({
      rp: { id: 'porch.example' },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    })
  })

  test('ASVS 7.5.1 are added and removed only right after a sign-in with the strongest factor', async () => {
    services.pass(20 * MINUTE)
    expect(await refusal(ann.post('/auth/passkeys/options', {}))).toBe('401 reauthentication_required')
    await ann.post('/auth/reauthenticate', { password: GOOD_PASSWORD })
    const options = await addOptions(ann)
    const authenticator = new SoftAuthenticator(ORIGIN)
    const answer = await ann.post('/auth/passkeys', { credential: authenticator.create(options) })
    const { id } = (await answer.json()) as WirePasskey
    // The password is not the strongest one any more, nor is the session from before.
    expect(await refusal(ann.delete(`/auth/passkeys/${id}`))).toBe('401 reauthentication_required')
    expect(await refusal(ann.post('/auth/passkeys/options', {}))).toBe('401 reauthentication_required')
    expect((await confirm(ann, authenticator)).status).toBe(200)
    await addOptions(ann)
    services.pass(20 * MINUTE)
    expect(await refusal(ann.delete(`/auth/passkeys/${id}`))).toBe('401 reauthentication_required')
    expect((await confirm(ann, authenticator)).status).toBe(200)
    expect((await ann.delete(`/auth/passkeys/${id}`)).status).toBe(200)
    expect(await kindsOf(await annId())).toEqual(expect.arrayContaining(['passkey_added', 'passkey_removed']))
  })

  test('belong to their account: others can neither rename nor remove them', async () => {
    const { passkey } = await passkeyOf(ann)
    await account('bob')
    const bob = await signedIn('bob')
    expect(await refusal(bob.patch(`/auth/passkeys/${passkey.id}`, { name: 'x' }))).toBe('404 not_found')
    expect(await refusal(bob.delete(`/auth/passkeys/${passkey.id}`))).toBe('404 not_found')
    const renamed = await ann.patch(`/auth/passkeys/${passkey.id}`, { name: ' Küche 🍳 ' })
    expect(await renamed.json()).toMatchObject({ id: passkey.id, name: 'Küche 🍳', synced: false, lastUsedAt: null })
    for (const name of ['', '   ', 'x'.repeat(101), 'a\u0000b', 'a\u202eb', 7, null])
      expect(await refusal(ann.patch(`/auth/passkeys/${passkey.id}`, { name }))).toBe('400 invalid_body')
  })

  test('have a name of their own even if nobody gives one', async () => {
    const credential = new SoftAuthenticator(ORIGIN).create(await addOptions(ann))
    expect(await (await ann.post('/auth/passkeys', { credential })).json()).toMatchObject({ name: 'Firefox · Linux' })
  })

  test('UX-9 what was begun is finished once, in its session, and a passkey is registered once', async () => {
    const options = await addOptions(ann)
    const authenticator = new SoftAuthenticator(ORIGIN)
    const credential = authenticator.create(options)
    await account('bob')
    const bob = await signedIn('bob')
    for (const [name, value] of ann.jar) if (name.includes('-login-')) bob.jar.set(name, value)
    expect(await refusal(bob.post('/auth/passkeys', { credential }))).toBe('400 login_expired')
    const copy = services.browser()
    for (const [name, value] of ann.jar) copy.jar.set(name, value)
    const answers = await Promise.all([
      ann.post('/auth/passkeys', { credential }),
      copy.post('/auth/passkeys', { credential }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
    const again = authenticator.create(await addOptions(bob))
    expect(await refusal(bob.post('/auth/passkeys', { credential: again }))).toBe('409 passkey_registered')
  })

  test('ASVS 6.3.8 made without asking, one may come without user verification, and cannot sign in without it', async () => {
    const silent = { userVerified: false, userPresent: false }
    const asked = new SoftAuthenticator(ORIGIN).create(await addOptions(ann), { userVerified: false })
    expect(await refusal(ann.post('/auth/passkeys', { credential: asked }))).toBe('401 user_verification_required')
    const authenticator = new SoftAuthenticator(ORIGIN, { syncable: true })
    const credential = authenticator.create(await addOptions(ann, true), silent)
    expect((await ann.post('/auth/passkeys', { credential })).status).toBe(200)
    expect(await refusal(signInWith(authenticator, { userVerified: false }))).toBe('401 user_verification_required')
    expect((await signInWith(authenticator)).status).toBe(200)
  })

  test('are at most 25', async () => {
    const { authenticator } = await passkeyOf(ann)
    for (let n = 1; n < 25; n++) {
      // So that the writes of one account are not too many at once.
      services.pass(MINUTE)
      await passkeyOf(ann)
    }
    expect((await confirm(ann, authenticator)).status).toBe(200)
    const credential = new SoftAuthenticator(ORIGIN).create(await addOptions(ann))
    expect(await refusal(ann.post('/auth/passkeys', { credential }))).toBe('409 limit_reached')
  })

  test('UX-13 authenticators can be told which there are', async () => {
    const signals = async () => (await (await ann.get('/auth/passkeys')).json()) as PasskeySignals
    expect(await signals()).toEqual({
      rpId: 'porch.example',
      userId: null,
      name: 'ann@example.org',
      displayName: 'ann',
      allAcceptedCredentialIds: [],
    })
    const { authenticator, passkey } = await passkeyOf(ann)
    const { userId, allAcceptedCredentialIds } = await signals()
    expect(allAcceptedCredentialIds).toEqual([authenticator.credentialId])
    expect((await confirm(ann, authenticator)).status).toBe(200)
    await ann.delete(`/auth/passkeys/${passkey.id}`)
    expect(await signals()).toMatchObject({ userId, allAcceptedCredentialIds: [] })
  })

  test('malformed credentials are refused by field, and nothing is an internal error', async () => {
    const options = await addOptions(ann)
    const credential = new SoftAuthenticator(ORIGIN).create(options)
    const wrong: unknown[] = [
      undefined,
      null,
      'x',
      {},
      { ...credential, id: '' },
      { ...credential, id: 'ä' },
      { ...credential, type: 'password' },
      { ...credential, response: {} },
      { ...credential, response: { ...credential.response, clientDataJSON: 'x'.repeat(9000) } },
      { ...credential, response: { ...credential.response, transports: Array.from({ length: 99 }, () => 'usb') } },
    ]
    for (const each of wrong) {
      expect(await refusal(ann.post('/auth/passkeys', { credential: each }))).toBe('400 invalid_body')
      if (each !== undefined) expect(await refusal(ann.post(SIGN_IN, { credential: each }))).toBe('400 invalid_body')
    }
    const odd = { ...credential, response: { ...credential.response, clientDataJSON: 'AAAA' } }
    expect(await refusal(ann.post('/auth/passkeys', { credential: odd }))).toBe('401 passkey_refused')
  })

  test('need a session', async () => {
    const stranger = services.browser()
    for (const answer of [
      stranger.get('/auth/passkeys'),
      stranger.post('/auth/passkeys/options', {}),
      stranger.post('/auth/passkeys', {}),
      stranger.patch('/auth/passkeys/x', { name: 'x' }),
      stranger.delete('/auth/passkeys/x'),
      stranger.post('/auth/reauthenticate/options'),
    ])
      expect(await refusal(answer)).toBe('401 not_signed_in')
  })
})

test('where browsers offer no passkeys, there are none', async () => {
  services.close()
  services = testRoutes({ publicUrl: 'http://192.0.2.7:3000' })
  await account('ann')
  ann = await signedIn('ann')
  expect(await (await ann.get('/auth/methods')).json()).not.toHaveProperty('others')
  for (const answer of [
    ann.post(`${SIGN_IN}/options`),
    ann.post(SIGN_IN, {}),
    ann.post('/auth/passkeys/options', {}),
    ann.get('/auth/passkeys'),
    ann.delete('/auth/passkeys/x'),
    ann.post('/auth/reauthenticate/options'),
  ])
    expect(await refusal(answer)).toBe('404 not_found')
})
