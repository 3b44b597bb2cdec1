import { OPERATOR } from '../../server/accounts/actor.ts'
import { GOOD_PASSWORD } from '../../server/accounts/accounts.testing.ts'
import { openKeptForm } from '../../server/http/routes/kept-form.ts'
import { testRoutes } from '../../server/http/routes/routes.testing.ts'
import { type Answered, CONFIG, startApp } from './app.ts'

const ORIGIN = 'https://porch.example'

export type AccountStage = Awaited<ReturnType<typeof accountStage>>
export type Send = (path: string, fields: Record<string, string>, network?: string) => Promise<Answered>

/**
 * The real server with the real routes, accounts and database; only the clock is a test's to move. Requests come from a
 * network of their own each, unless they name one.
 */
export async function accountStage(options: Parameters<typeof testRoutes>[0] = {}) {
  const services = testRoutes(options)
  const { clock, sessions, people, keyring, routes } = services
  const app = await startApp({
    clock,
    sessions,
    config: { ...CONFIG, publicUrl: ORIGIN, secureCookies: true, trustedProxies: ['127.0.0.1'] },
    findUser: people.accounts.findActive,
    openForm: sealed => openKeptForm(keyring, sealed, clock.now().wall),
    authRoutes: routes,
  })
  let networks = 0

  const nextNetwork = () => {
    networks++
    return `10.${(networks >> 16) & 255}.${(networks >> 8) & 255}.${networks & 255}`
  }
  const headers = (type: string, network = nextNetwork()) => ({
    host: 'porch.example',
    origin: ORIGIN,
    'sec-fetch-site': 'same-origin',
    'content-type': type,
    // The server's own grow longer as it counts.
    'x-request-id': `request-${String(networks).padStart(6, '0')}`,
    'x-forwarded-for': network,
  })
  const json: Send = (path, fields, network) =>
    app.ask(path, { method: 'POST', headers: headers('application/json', network), body: JSON.stringify(fields) })
  const form: Send = (path, fields, network) =>
    app.ask(path, {
      method: 'POST',
      headers: {
        ...headers('application/x-www-form-urlencoded', network),
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
      },
      body: new URLSearchParams(fields).toString(),
    })

  return {
    ...services,
    app,
    headers,
    json,
    form,
    create: (email: string, roles: ('admin' | 'user')[] = ['user']) =>
      people.accounts.create({ email, name: 'Somebody', roles, password: GOOD_PASSWORD }, OPERATOR),
    async invitation(email: string | null): Promise<string> {
      return services.codeOf((await people.registration.invite({ email, roles: ['user'] }, OPERATOR)).href)
    },
    async close() {
      await app.close()
      await services.close()
    },
  }
}
