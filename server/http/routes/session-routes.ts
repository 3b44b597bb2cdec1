import { Hono } from 'hono'
import type { MethodsAnswer } from '../../contract/wire.ts'
import type { Env } from '../request/hono-env.ts'
import { sessionAnswer } from '../response/session-body.ts'
import type { AuthDeps } from './auth-deps.ts'

/** The current session, and the available sign-in methods. */
export function sessionRoutes({ people, config, providers }: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()

  app.get('/session', c => c.json(sessionAnswer(c.get('caller'))))

  app.get('/methods', async c =>
    c.json<MethodsAnswer>({
      setupNeeded: await people.accounts.needsSetup(),
      registration: config.registration,
      password: { enabled: true, minLength: config.passwordMinLength, by: config.tokenApi?.name ?? null },
      providers: providers
        .all()
        .map(({ id, name, icon, available }) => ({ id, name, icon, available, href: `/auth/login/${id}` })),
    }),
  )

  return app
}
