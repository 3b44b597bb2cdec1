import { expect, test } from 'vitest'
import { OPERATOR, originOf } from '../accounts/actor.ts'
import { GOOD_PASSWORD, testPeople, type TestPeople } from '../accounts/accounts.testing.ts'
import { randomId } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { toTokenApi } from '../config/token-api-settings.ts'
import { TOKEN_API } from '../contract/token-api-id.ts'
import { newTransactionId } from '../base/ids.ts'
import type { ProviderProfile, Purpose } from '../providers/types.ts'
import { createPasswordLogin } from './password-login.ts'
import { createPasswordMethod } from './password-method.ts'
import { createProviderLogin } from './provider-login.ts'
import { createProviderMethod } from './provider-method.ts'
import { type MethodBench, signInMethodContract, type Who } from './sign-in-method.contract.testing.ts'
import { fakeVault, posted, returned, TOKENS } from './sign-in-method.testing.ts'
import { createSignInMethods } from './sign-in-methods.ts'
import { createTokenApiMethod } from './token-api-method.ts'

const API = toTokenApi({ name: 'Shop', url: 'https://shop.example' })
const WORK = { id: 'work', name: 'Work', icon: 'building', secondFactor: 'ask' as const }
const PASSWORDS: Record<Who, string> = { ada: GOOD_PASSWORD, bob: 'another lantern, put out', nobody: 'a guess' }

/** What every bench has: Ada and Bob, and how the vouching system knows them. */
async function people(services: TestPeople) {
  const { accounts } = services.people
  const make = (name: 'ada' | 'bob') =>
    accounts.create(
      { email: `${name}@example.org`, name, roles: ['admin', 'user'], password: PASSWORDS[name] },
      OPERATOR,
    )
  const [ada, bob] = [await make('ada'), await make('bob')]
  return {
    ids: { ada: ada.id, bob: bob.id },
    async disableAda() {
      await accounts.change(ada.id, { disabled: true }, OPERATOR)
    },
    outcomes: services.outcomes,
    close: () => services.close(),
  }
}

async function knownAs(services: TestPeople, userId: string, { provider, issuer, subject }: Known): Promise<void> {
  const shown = { label: subject, email: null, emailVerified: false, linkedIn: null, createdAt: 1, lastUsedAt: 1 }
  const identity = { id: randomId(), userId, provider, issuer, subject, ...shown }
  await services.store.identities.link(identity, null, originOf(OPERATOR, userId, services.wall()))
}
type Known = Pick<ProviderProfile, 'provider' | 'issuer' | 'subject'>

function loginOf({ config, people: { accounts }, store: { identities }, sessions, clock, log }: TestPeople) {
  return createProviderLogin({ config: { ...config, providers: [] }, accounts, identities, sessions, clock, log })
}

/** The form's fields, or those that confirm. */
const typed = (name: string, who: Who, confirming: boolean) =>
  posted(confirming ? { password: PASSWORDS[who] } : { email: name, password: PASSWORDS[who] })

async function passwordBench(): Promise<MethodBench> {
  const services = testPeople()
  const { people: rooms, store, meter, keyring, clock, log } = services
  const deps = { accounts: rooms.accounts, passwords: rooms.passwords, throttles: store.throttles }
  const passwordLogin = createPasswordLogin({ ...deps, meter, keyring, clock, log })
  return {
    ...(await people(services)),
    method: createPasswordMethod({ passwordLogin, minLength: 15 }),
    answer: (who, _step, confirming) => typed(`${who}@example.org`, who, confirming),
    tokens: () => ({ issued: 0, revoked: 0 }),
  }
}

async function tokenApiBench(): Promise<MethodBench> {
  const services = testPeople({ tokenApi: API })
  const bench = await people(services)
  const who = (subject: string): Known => ({ provider: TOKEN_API, issuer: API.url, subject })
  for (const name of ['ada', 'bob'] as const) await knownAs(services, bench.ids[name], who(name))
  const { store, meter, keyring, clock } = services
  const vault = fakeVault()
  let issued = 0
  const stranger = { email: null, emailVerified: false, roles: null, authTime: null, amr: ['pwd'], providerSid: null }
  const method = createTokenApiMethod({
    minLength: 15,
    api: {
      name: API.name,
      links: API.links,
      async signIn(username, password) {
        if (username === 'nobody' || PASSWORDS[username as Who] !== password) throw new Problem('invalid_credentials')
        issued++
        return { person: { ...stranger, ...who(username), name: username, label: username }, tokens: TOKENS }
      },
    },
    providerLogin: loginOf(services),
    identities: store.identities,
    throttles: store.throttles,
    vault,
    keyring,
    clock,
    meter,
  })
  return {
    ...bench,
    method,
    answer: (name, _step, confirming) => typed(name, name, confirming),
    tokens: () => ({ issued, revoked: vault.revoked.length }),
  }
}

async function providerBench(): Promise<MethodBench> {
  const services = testPeople()
  const bench = await people(services)
  const who = (subject: string): Known => ({ provider: 'work', issuer: 'https://work.example', subject })
  for (const name of ['ada', 'bob'] as const) await knownAs(services, bench.ids[name], who(name))
  const vault = fakeVault()
  let issued = 0
  let purpose: Purpose | null = null
  const method = createProviderMethod({
    provider: WORK,
    providers: {
      all: () => [{ ...WORK, kind: 'oidc', available: true }],
      async begin(id, beginning) {
        purpose = beginning.purpose
        return { href: `https://${id}.example/authorize`, id: newTransactionId(services.wall()), sealed: 'sealed' }
      },
    },
    providerLogin: loginOf(services),
    vault,
    accounts: services.people.accounts,
    meter: services.meter,
  })
  return {
    ...bench,
    method,
    answer(name, step) {
      if (step === null || purpose === null) return posted({})
      expect(step).toMatchObject({ next: 'redirect', href: 'https://work.example/authorize' })
      issued++
      // A user whom the provider's mapping does not admit has no account here.
      return returned(purpose, { ...who(name), roles: name === 'nobody' ? [] : null })
    },
    tokens: () => ({ issued, revoked: vault.revoked.length }),
  }
}

signInMethodContract('password', passwordBench)
signInMethodContract('token-api', tokenApiBench)
signInMethodContract('of a provider', providerBench)

test('two sign-in methods with the same id are detected when the server starts', async () => {
  const { method, close } = await passwordBench()
  expect(() => createSignInMethods([method, method])).toThrow('password')
  await close()
})

test('a site without passwords has no method behind the form', () => {
  expect(() => createSignInMethods([]).password()).toThrow(new Problem('not_found'))
  expect(() => createSignInMethods([]).find('password')).toThrow(new Problem('not_found'))
})
