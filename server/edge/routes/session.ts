import { Hono } from 'hono'
import type { MethodsAnswer } from '../../contract/wire.ts'
import type { Env } from '../context.ts'
import { sessionAnswer } from '../session-answer.ts'
import type { AuthDeps } from './deps.ts'

/** Who is signed in, and how one can be. */
export function sessionRoutes({ people, config, providers }: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()

  app.get('/session', c => c.json(sessionAnswer(c.get('caller'))))

  app.get('/methods', async c => c.json<MethodsAnswer>({
    setupNeeded: config.tokenApi === null && !await people.accounts.anybody(),
    registration: config.registration,
    password: { enabled: true, minLength: config.passwordMinLength, by: config.tokenApi?.name ?? null },
    providers: providers.all().map(({ id, name, icon, available }) => ({ id, name, icon, available, href: `/auth/login/${id}` })),
  }))

  return app
}
