import { afterEach, beforeEach, expect, test } from 'vitest'
import { Problem } from '../base/problem.ts'
import { toTokenApi } from '../config/token-api-settings.ts'
import { TOKEN_API } from '../contract/token-api-id.ts'
import { testPeople, type TestPeople } from '../accounts/accounts.testing.ts'
import type { ProviderProfile } from '../providers/types.ts'
import { sealDevice } from './known-device.ts'
import { createProviderLogin } from './provider-login.ts'
import type { SignInMethod } from './sign-in-method.ts'
import { contextFrom, fakeVault, posted, proofOf, TOKENS } from './sign-in-method.testing.ts'
import { createTokenApiMethod } from './token-api-method.ts'

const tokenApi = toTokenApi({ url: 'https://shop.example' })
/** Two different users to this API. */
const PASSWORDS = new Map([
  ['alice', 'the password of alice'],
  ['Alice', 'the password of Alice'],
])

let services: TestPeople
let login: SignInMethod
let asked: string[]

beforeEach(() => {
  asked = []
  services = testPeople({ tokenApi })
  const { people, store, clock, log, meter, config, sessions, keyring } = services
  const providerLogin = createProviderLogin({
    config: { ...config, providers: [] },
    accounts: people.accounts,
    identities: store.identities,
    sessions,
    clock,
    log,
  })
  login = createTokenApiMethod({
    minLength: 15,
    api: {
      name: 'Shop',
      links: tokenApi.links,
      signIn: async (username, password) => {
        asked.push(username)
        if (PASSWORDS.get(username) !== password) throw new Problem('invalid_credentials')
        const person: ProviderProfile = {
          provider: TOKEN_API,
          issuer: tokenApi.url,
          subject: `id of ${username}`,
          email: null,
          emailVerified: false,
          name: username,
          label: username,
          roles: null,
          authTime: null,
          amr: ['pwd'],
          providerSid: null,
        }
        return { person, tokens: TOKENS }
      },
    },
    providerLogin,
    identities: store.identities,
    throttles: store.throttles,
    vault: fakeVault(),
    keyring,
    clock,
    meter,
  })
})
afterEach(() => services.close())

let network = 0
/** From a new network each time, so that only the name is throttled. */
const attempt = (username: string, password: string, device: string | null = null) =>
  login
    .authenticate(posted({ email: username, password }), contextFrom({ device, network: `198.51.100.${++network}` }))
    .then(proofOf)
const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'signed in',
    (error: Problem) => error.code,
  )

test('ASVS 6.3.1 fifty colleagues behind one address get in at once, and a guesser among them has twenty tries', async () => {
  for (let n = 0; n < 50; n++) PASSWORDS.set(`colleague ${n}`, 'the password of a colleague')
  const from = (username: string, password: string) =>
    outcome(
      login
        .authenticate(posted({ email: username, password }), contextFrom({ device: null, network: '203.0.113.7' }))
        .then(proofOf),
    )
  const right = () => Array.from({ length: 50 }, (_, n) => from(`colleague ${n}`, 'the password of a colleague'))
  expect(await Promise.all(right())).toEqual(Array(50).fill('signed in'))
  const wrong = Array.from({ length: 60 }, (_, n) => from(`nobody ${n}`, 'a guess'))
  const told = await Promise.all([...wrong, ...right()])
  expect(told.filter(one => one === 'invalid_credentials')).toHaveLength(20)
  expect(await from('colleague 0', 'the password of a colleague')).toBe('slow_down')
})

test('ASVS 6.3.1 failures for a name stay counted even if another spelling of it signs in', async () => {
  const told: string[] = []
  for (let guess = 0; guess < 8; guess++) {
    told.push(await outcome(attempt('alice', `guess ${guess}`)))
    await outcome(attempt('Alice', PASSWORDS.get('Alice') ?? ''))
  }
  expect(told.slice(0, 5)).toEqual(Array(5).fill('invalid_credentials'))
  expect(told.slice(5)).toEqual(Array(3).fill('slow_down'))
  expect(asked.filter(name => name === 'alice')).toHaveLength(5)
})

test('ASVS 6.3.1 spellings of a name are counted together, because an API may treat them as one', async () => {
  const spellings = ['alice', 'aLice', 'alIce', 'aliCe', 'alicE', 'ALICE', 'aLICE']
  const told: string[] = []
  for (const spelling of spellings) told.push(await outcome(attempt(spelling, 'a guess')))
  expect(told.slice(5)).toEqual(['slow_down', 'slow_down'])
})

test('a browser known to one user is not known to another whose name differs in case', async () => {
  const { account } = await attempt('Alice', PASSWORDS.get('Alice') ?? '')
  const device = sealDevice(services.keyring, null, account.id, services.wall())
  for (let guess = 0; guess < 5; guess++) await outcome(attempt('alice', `guess ${guess}`))
  expect(await outcome(attempt('alice', 'one more', device))).toBe('slow_down')
  expect(await outcome(attempt('Alice', PASSWORDS.get('Alice') ?? '', device)), 'and is not slowed by it').toBe(
    'signed in',
  )
})

test('signing in often with the right password is not throttled', async () => {
  for (let time = 0; time < 12; time++)
    expect(await outcome(attempt('alice', PASSWORDS.get('alice') ?? ''))).toBe('signed in')
})

test('ten browsers that sign in under one name at once, all with the right password, all get in', async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, () => outcome(attempt('alice', PASSWORDS.get('alice') ?? ''))),
  )
  expect(outcomes).toEqual(Array.from({ length: 10 }, () => 'signed in'))
})

test('ASVS 16.5.3 a network that tries 600 passwords at once does not delay others, and the API gets few calls at once', async () => {
  const { people, store, clock, log, meter, config, sessions, keyring } = services
  const providerLogin = createProviderLogin({
    config: { ...config, providers: [] },
    accounts: people.accounts,
    identities: store.identities,
    sessions,
    clock,
    log,
  })
  const waiting: (() => void)[] = []
  let most = 0
  const slow = createTokenApiMethod({
    minLength: 15,
    api: {
      name: 'Shop',
      links: tokenApi.links,
      signIn: async () => {
        await new Promise<void>(resolve => (most = Math.max(most, waiting.push(resolve))))
        throw new Problem('invalid_credentials')
      },
    },
    providerLogin,
    identities: store.identities,
    throttles: store.throttles,
    vault: fakeVault(),
    keyring,
    clock,
    meter,
  })
  // Throttling would refuse most of them: 30 networks in turn are equivalent to 600 attempts of one.
  const guess = (n: number, from: string) =>
    outcome(slow.authenticate(posted({ email: `name ${n}`, password: 'a guess' }), contextFrom({ network: from })))
  const flood = Array.from({ length: 600 }, (_, n) => guess(n, `203.0.113.${n % 30}`))
  const others = [guess(1000, '198.51.100.201'), guess(1001, '198.51.100.202')]
  let isOver = false
  void Promise.all(flood).then(() => (isOver = true))
  let asked = 0
  const everybody = Promise.all(others)
  let told: string[] | null = null
  void everybody.then(answers => (told = answers))
  while (told === null) {
    await new Promise(resolve => setTimeout(resolve, 1))
    asked += waiting.length
    for (const release of waiting.splice(0)) release()
  }
  expect(told).toEqual(['invalid_credentials', 'invalid_credentials'])
  expect([most <= 16, asked < 200, isOver]).toEqual([true, true, false])
  while (!isOver) {
    await new Promise(resolve => setTimeout(resolve, 1))
    for (const release of waiting.splice(0)) release()
  }
  expect((await Promise.all(flood)).includes('busy')).toBe(true)
})
