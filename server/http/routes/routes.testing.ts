import { Hono } from 'hono'
import type { Provider } from '../../config/provider-config.ts'
import type { Upstream } from '../../config/upstream-config.ts'
import { Problem } from '../../base/problem.ts'
import type { ProblemBody } from '../../contract/problem-codes.ts'
import { createPasskeyMethod } from '../../login/passkey-method.ts'
import { createPasswordLogin } from '../../login/password-login.ts'
import { createPasswordMethod } from '../../login/password-method.ts'
import { createProviderLogin } from '../../login/provider-login.ts'
import { createProviderMethod } from '../../login/provider-method.ts'
import type { SignInMethod } from '../../login/sign-in-method.ts'
import { createSecondFactor } from '../../login/second-factor.ts'
import { createSignInMethods } from '../../login/sign-in-methods.ts'
import type { Providers } from '../../providers/types.ts'
import { CLIENT, testPeople } from '../../accounts/accounts.testing.ts'
import type { Proof } from '../../demo/proof/proof.ts'
import {
  cookieName,
  cookieValues,
  readSessionCookies,
  transactionCookieName,
  transactionIds,
} from '../../session/cookie-names.ts'
import type { Client, IssuedCookies } from '../../session/types.ts'
import type { Caller } from '../request/caller.ts'
import type { Env } from '../request/hono-env.ts'
import { createWriteRate } from '../steps/limit-writes.ts'
import { authRoutes } from './auth-routes.ts'
import { createRoutes } from '../../relay/route-matcher.ts'
import { createReturnPaths } from '../request/return-paths.ts'
import type { AuthDeps } from './auth-deps.ts'
import { mustConform } from './conformance.testing.ts'
import { openKeptForm } from './kept-form.ts'

/** Providers that a test configures, and their fakes. */
export interface Elsewhere {
  configured: Provider[]
  providers: Pick<Providers, 'all' | 'begin' | 'finish' | 'returnTo'>
  vault: AuthDeps['vault']
}

const none = () => Promise.reject(new Problem('not_found'))
const NOWHERE: Elsewhere = {
  configured: [],
  providers: { all: () => [], begin: none, finish: none, returnTo: async () => null },
  vault: { createGrant: none, linked: () => {}, revoke: () => {}, ended: () => {} },
}

/**
 * For the tests of this folder: its routes with a minimum of HTTP around them, on real services and a real database.
 */
export function testRoutes(
  options: Parameters<typeof testPeople>[0] & {
    upstreams?: Upstream[]
    proof?: Proof
    elsewhere?: Elsewhere
    /** In the place of the form for a password. */
    passwords?: SignInMethod
    streams?: AuthDeps['streams']
  } = {},
) {
  const services = testPeople(options)
  const { people, store, keyring, clock, log, meter, sessions, config } = services
  const { configured, providers, vault } = options.elsewhere ?? NOWHERE
  const passwordLogin = createPasswordLogin({
    accounts: people.accounts,
    passwords: people.passwords,
    throttles: store.throttles,
    keyring,
    clock,
    log,
    meter,
  })
  const providerLogin = createProviderLogin({
    config: { ...config, providers: configured },
    accounts: people.accounts,
    identities: store.identities,
    sessions,
    clock,
    log,
  })
  const shared = { providers, providerLogin, vault, accounts: people.accounts, meter }
  const methods = createSignInMethods([
    options.passwords ?? createPasswordMethod({ passwordLogin, minLength: config.passwordMinLength }),
    ...(people.passkeys === null ? [] : [createPasskeyMethod({ meter, passkeys: people.passkeys })]),
    ...configured.map(provider => createProviderMethod({ ...shared, provider })),
  ])
  const secondFactor = createSecondFactor({
    accounts: people.accounts,
    factors: people.factors,
    singleUses: store.singleUses,
    grants: store.providerGrants,
    keyring,
    clock,
    config,
  })
  const writeRate = createWriteRate(clock)
  const routes = authRoutes({
    config,
    clock,
    log,
    writeRate,
    keyring,
    sessions,
    people,
    methods,
    secondFactor,
    passwordLogin,
    providers,
    providerLogin,
    vault,
    logouts: { after: async () => null, redirect: async () => null, returned: async () => false },
    proof: options.proof ?? null,
    upstreams: options.upstreams ?? [],
    returnPaths: createReturnPaths(createRoutes(options.upstreams ?? [])),
    streams: options.streams ?? { of: () => [], endStreamsOf: () => {} },
    reachable: async () => true,
  })

  function browser(client: Client = CLIENT) {
    const jar = new Map<string, string>()

    async function identify(): Promise<{ caller: Caller; issued: IssuedCookies | null }> {
      const header = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
      const shown = readSessionCookies(header, {
        access: cookieName('access', true),
        refresh: cookieName('refresh', true),
      })
      const resolution = await sessions.resolve(shown, { renews: true, foreground: true })
      const only = (kind: 'device' | 'form' | 'logout' | 'second-factor') =>
        cookieValues(header, cookieName(kind, true))[0] ?? null
      const base = {
        client,
        device: only('device'),
        form: only('form'),
        logout: only('logout'),
        secondFactor: only('second-factor'),
        transactions: () => transactionIds(header, true),
        transaction: (id: string) => cookieValues(header, transactionCookieName(id, true))[0] ?? null,
      }
      if (resolution.state === 'anonymous')
        return { caller: { ...base, signedIn: null, replaced: false, ended: resolution.ended }, issued: null }
      const user = await people.accounts.find(resolution.session.userId)
      const signedIn = user === null || user.disabledAt !== null ? null : { session: resolution.session, user }
      return {
        caller: { ...base, signedIn, replaced: resolution.state === 'replaced', ended: null },
        issued: resolution.issued,
      }
    }

    async function send(
      method: string,
      path: string,
      init: { body?: string | Uint8Array<ArrayBuffer>; type?: string; authorization?: string } = {},
    ): Promise<Response> {
      const { caller, issued } = await identify()
      let session: readonly string[] = issued === null ? [] : sessions.cookiesFor(issued)
      const others: string[] = []
      const app = new Hono<Env>()
      app.use((c, next) => {
        c.set('requestId', 'request-1')
        c.set('caller', caller)
        c.set('answer', {
          issue: one => {
            session = sessions.cookiesFor(one)
          },
          clear: () => {
            session = sessions.clearing()
          },
          cookie: value => others.push(value),
        })
        return next()
      })
      app.route('/auth', routes)
      app.onError((error, c) => {
        if (!(error instanceof Problem)) throw error
        return c.json(error.body('request-1'), error.status as 400)
      })
      const headers = {
        ...(init.type === undefined ? {} : { 'content-type': init.type }),
        ...(init.authorization === undefined ? {} : { authorization: init.authorization }),
      }
      const ctx = { search: new URL(path, 'http://localhost').search }
      const response = await app.request(
        path,
        { method, headers, ...(init.body === undefined ? {} : { body: init.body }) },
        { ctx },
      )
      await mustConform(method, path, response)
      for (const cookie of [...session, ...others]) {
        const [pair = ''] = cookie.split(';')
        const name = pair.slice(0, pair.indexOf('='))
        if (cookie.includes('Max-Age=0')) jar.delete(name)
        else jar.set(name, pair.slice(name.length + 1))
      }
      return response
    }

    return {
      jar,
      get: (path: string) => send('GET', path),
      post: (path: string, body?: unknown) =>
        send('POST', path, body === undefined ? {} : { body: JSON.stringify(body), type: 'application/json' }),
      patch: (path: string, body: unknown) =>
        send('PATCH', path, { body: JSON.stringify(body), type: 'application/json; charset=utf-8' }),
      delete: (path: string) => send('DELETE', path),
      form: (path: string, fields: Record<string, string>) =>
        send('POST', path, { body: new URLSearchParams(fields).toString(), type: 'application/x-www-form-urlencoded' }),
      send,
      /** What the page would receive of a failed form. */
      keptForm: () => openKeptForm(keyring, jar.get(cookieName('form', true)) ?? '', clock.now().wall),
    }
  }

  return { ...services, routes, writeRate, browser }
}

export type Browser = ReturnType<ReturnType<typeof testRoutes>['browser']>

/** A refusal's status and code: "401 not_signed_in". */
export async function refusal(answer: Response | Promise<Response>): Promise<string> {
  const response = await answer
  const body = (await response.json()) as Partial<ProblemBody>
  return `${response.status} ${body.code ?? ''}`
}
