import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import * as v from 'valibot'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { streamStage } from '../../tests/support/stream-stage.ts'
import { OPERATOR } from '../accounts/actor.ts'
import { GOOD_PASSWORD, testPeople } from '../accounts/accounts.testing.ts'
import type { Accounts } from '../accounts/account-service.ts'
import { checkFields } from '../base/check-fields.ts'
import { type Clock, MINUTE } from '../base/clock.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import type { ChallengeAnswer, MethodsAnswer, SessionAnswer } from '../contract/wire.ts'
import type { Keyring } from '../keys/types.ts'
import { countSignIn } from '../login/count-sign-in.ts'
import { signInMethodContract, type Who } from '../login/sign-in-method.contract.testing.ts'
import { posted } from '../login/sign-in-method.testing.ts'
import { type PendingSignIns, postedFields, type SignInMethod, type SignInStep } from '../login/sign-in-method.ts'
import { newTransactionId } from '../base/ids.ts'

// A method that only exists in this file, like a future passkey in miniature: it signs a challenge with a key of an
// account, and nothing else in the server knows of it.

const KEYS = new Map<string, KeyObject>()
const LIFE_MS = 5 * MINUTE
const Answer = v.strictObject({ id: v.string(), account: v.string(), signature: v.string() })
const Nothing = v.strictObject({})
interface Challenge {
  id: string
  challenge: string
}

interface Deps {
  accounts: Pick<Accounts, 'find'>
  keyring: Keyring
  clock: Clock
  meter: Meter
}

function createLantern({ accounts, keyring, clock, meter }: Deps): SignInMethod {
  const now = () => clock.now().wall

  function begin(): SignInStep {
    const id = newTransactionId(now())
    const challenge = randomBytes(16).toString('base64url')
    const sealed = keyring.seal('login', { lantern: challenge, endsAt: now() + LIFE_MS }, id)
    return { next: 'challenge', challenge: { id, challenge } satisfies Challenge, pending: { id, sealed } }
  }

  async function finish(fields: unknown, pending: PendingSignIns, only: string | null): Promise<SignInStep> {
    const { id, account: accountId, signature } = checkFields(Answer, fields)
    const sealed = pending.take(id)
    const opened = sealed === null ? null : await keyring.open('login', sealed, id)
    const { lantern, endsAt } = opened ?? {}
    if (typeof lantern !== 'string' || typeof endsAt !== 'number' || endsAt <= now()) throw new Problem('login_expired')
    const key = KEYS.get(accountId)
    const right = key !== undefined && verify(null, Buffer.from(lantern), key, Buffer.from(signature, 'base64url'))
    const account = right && (only ?? accountId) === accountId ? await accounts.find(accountId) : null
    if (account === null) throw new Problem('invalid_credentials')
    if (account.disabledAt !== null) throw new Problem('account_disabled').about(account.id)
    return { next: 'session', proof: { account, amr: ['hwk'], basis: null, abandon: () => {} } }
  }

  const isFirst = (fields: unknown) => v.is(Nothing, fields)
  return {
    id: 'lantern',
    describe: () => ({ kind: 'challenge' }),
    async authenticate(input, { pending }) {
      const fields = postedFields(input)
      return isFirst(fields) ? begin() : countSignIn(meter, () => finish(fields, pending, null))
    },
    async reauthenticate(input, { pending, session }) {
      const fields = postedFields(input)
      return isFirst(fields) ? begin() : finish(fields, pending, session.userId)
    },
  }
}

/**
 * Creates an account's key.
 * @returns a function that signs with it, as a script of the page would
 */
function keyFor(accountId: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  KEYS.set(accountId, createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })))
  const own = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return ({ id, challenge }: Challenge) => ({
    id,
    account: accountId,
    signature: sign(null, Buffer.from(challenge), own).toString('base64url'),
  })
}

signInMethodContract('of one file', async () => {
  const services = testPeople()
  const { accounts } = services.people
  const make = (name: string) =>
    accounts.create({ email: `${name}@example.org`, name, roles: ['admin', 'user'], password: GOOD_PASSWORD }, OPERATOR)
  const [ada, bob] = [await make('ada'), await make('bob')]
  const signers = { ada: keyFor(ada.id), bob: keyFor(bob.id), nobody: keyFor('nobody') }
  return {
    method: createLantern({ ...services, accounts }),
    ids: { ada: ada.id, bob: bob.id },
    answer: (who: Who, step: SignInStep | null) =>
      posted(step?.next === 'challenge' ? signers[who](step.challenge as Challenge) : {}),
    async disableAda() {
      await accounts.change(ada.id, { disabled: true }, OPERATOR)
    },
    outcomes: services.outcomes,
    tokens: () => ({ issued: 0, revoked: 0 }),
    close: () => services.close(),
  }
})

let stage: Awaited<ReturnType<typeof streamStage>>
beforeEach(async () => {
  stage = await streamStage({}, {}, ({ people: { accounts }, keys: { keyring }, clock, meter }) => [
    createLantern({ accounts, keyring, clock, meter }),
  ])
})
afterEach(() => stage.close())

test('a sign-in method of one file and one line is described, signs users in and confirms who they are', async () => {
  const account = await stage.services.people.accounts.create(
    { email: 'ada@example.org', name: 'Ada', roles: ['user'], password: GOOD_PASSWORD },
    OPERATOR,
  )
  const signed = keyFor(account.id)
  const browser = stage.browser()
  const call = async <T>(path: string, body: object, status = 200): Promise<T> => {
    const answered = await browser.call('POST', path, body)
    expect(answered.status, answered.body).toBe(status)
    return answered.json() as T
  }
  const methods = (await browser.call('GET', '/auth/methods')).json() as MethodsAnswer
  expect(methods.others).toContainEqual({ id: 'lantern', href: '/auth/login/lantern' })
  expect(methods.password.enabled).toBe(true)

  const first = await call<ChallengeAnswer>('/auth/login/lantern', { remember: true })
  expect(first.next).toBe('challenge')
  const answer = signed(first.challenge as Challenge)
  const opened = await call<SessionAnswer>('/auth/login/lantern', { ...answer, remember: true })
  expect(opened).toMatchObject({ user: { id: account.id }, session: { amr: ['hwk'], remember: true } })
  expect(((await browser.call('GET', '/auth/session')).json() as SessionAnswer).user?.id).toBe(account.id)

  const again = await call<ChallengeAnswer>('/auth/reauthenticate/lantern', {})
  const fresh = await call<SessionAnswer>('/auth/reauthenticate/lantern', signed(again.challenge as Challenge))
  expect(fresh.session).toMatchObject({ amr: ['hwk'], remember: true })
  expect(fresh.session?.id).not.toBe(opened.session?.id)
  await call('/auth/login/lantern', answer, 400)
})

test('a challenge only works for the browser that got it, once, with the right key, never by link or in another method', async () => {
  const account = await stage.services.people.accounts.create(
    { email: 'ada@example.org', name: 'Ada', roles: ['user'], password: GOOD_PASSWORD },
    OPERATOR,
  )
  const signed = keyFor(account.id)
  const [browser, other] = [stage.browser(), stage.browser()]
  const code = async (work: ReturnType<typeof browser.call>) => {
    const { status, json } = await work
    return `${status} ${(json() as { code?: string }).code ?? ''}`
  }
  const challenge = async () =>
    ((await browser.call('POST', '/auth/login/lantern', {})).json() as ChallengeAnswer).challenge as Challenge
  const stolen = signed(await challenge())
  expect(await code(other.call('POST', '/auth/login/lantern', stolen))).toBe('400 login_expired')
  const wrong = { ...signed(await challenge()), signature: 'AAAA' }
  expect(await code(browser.call('POST', '/auth/login/lantern', wrong))).toBe('401 invalid_credentials')
  expect(await code(browser.call('POST', '/auth/login/lantern', { ...stolen, id: 'x; Domain=example.org' }))).toBe(
    '400 login_expired',
  )
  expect(await code(browser.call('POST', '/auth/reauthenticate/lantern', {}))).toBe('401 not_signed_in')
  expect(await code(browser.call('GET', '/auth/login/lantern'))).toBe('404 not_found')
  expect(await code(browser.call('POST', '/auth/login/candle', {}))).toBe('404 not_found')
  const { id } = await challenge()
  const state = `${id}.${'A'.repeat(43)}`
  expect(await code(browser.call('GET', `/auth/callback/lantern?code=c&state=${state}`))).toBe('404 not_found')
})
