import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { appsRoutes } from './apps.ts'
import { accountRoutes } from './account.ts'
import type { AuthDeps } from './deps.ts'
import { joiningRoutes } from './joining.ts'
import { linksRoutes } from './links.ts'
import { peopleRoutes } from './people.ts'
import { proofRoutes } from './proof.ts'
import { providerLogoutRoutes } from './provider-logout.ts'
import { providerRoutes } from './providers.ts'
import { sessionRoutes } from './session.ts'
import { sessionsRoutes } from './sessions.ts'
import { signInOutRoutes } from './sign-in-out.ts'

/** Everything under /auth. No route says how its answer may be kept: the writer of answers makes that `no-store` (HD-10). */
export function authRoutes(deps: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()
  app.route('/', sessionRoutes(deps))
  app.route('/', signInOutRoutes(deps))
  app.route('/', providerRoutes(deps))
  app.route('/', providerLogoutRoutes(deps))
  app.route('/', linksRoutes(deps))
  app.route('/', joiningRoutes(deps))
  app.route('/', accountRoutes(deps))
  app.route('/', appsRoutes(deps))
  app.route('/', sessionsRoutes(deps))
  app.route('/', peopleRoutes(deps))
  if (deps.proof !== null) app.route('/', proofRoutes(deps.proof))
  return app
}
