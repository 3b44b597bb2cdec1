import { Hono } from 'hono'
import type { MethodsAnswer } from '../../contract/wire.ts'
import type { SignInMethods } from '../../login/sign-in-methods.ts'
import type { Env } from '../request/hono-env.ts'
import { sessionAnswer } from '../response/session-body.ts'
import type { AuthDeps } from './auth-deps.ts'

/** The current session, and the available sign-in methods. */
export function sessionRoutes({ people, config, methods }: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()

  app.get('/session', c => c.json(sessionAnswer(c.get('caller'))))

  app.get('/methods', async c =>
    c.json<MethodsAnswer>({
      setupNeeded: await people.accounts.needsSetup(),
      registration: config.registration,
      mail: config.mail !== null,
      ...described(methods, config.passwordMinLength),
    }),
  )

  return app
}

type Described = Required<Pick<MethodsAnswer, 'password' | 'providers' | 'others'>>

/** The methods as a sign-in page reads them. */
function described(methods: SignInMethods, minLength: number): Omit<Described, 'others'> & Partial<Described> {
  const { others, ...answer }: Described = {
    password: { enabled: false, minLength, by: null, links: { register: null, reset: null } },
    providers: [],
    others: [],
  }
  for (const method of methods.all()) {
    const { id } = method
    const href = `/auth/login/${id}`
    const description = method.describe()
    switch (description.kind) {
      case 'password':
        answer.password = {
          enabled: true,
          minLength: description.minLength,
          by: description.by,
          links: description.links,
        }
        break
      case 'provider': {
        const { name, icon, available } = description
        answer.providers.push({ id, name, icon, available, href })
        break
      }
      case 'challenge':
        others.push({ id, href })
        break
      default:
        description satisfies never
    }
  }
  return others.length === 0 ? answer : { ...answer, others }
}
