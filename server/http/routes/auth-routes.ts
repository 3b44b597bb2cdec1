import { Hono } from 'hono'
import type { Env } from '../request/hono-env.ts'
import { appsRoutes } from './apps-routes.ts'
import { accountRoutes } from './account-routes.ts'
import type { AuthDeps } from './auth-deps.ts'
import { emailRoutes } from './email-routes.ts'
import { registrationRoutes } from './registration-routes.ts'
import { factorRoutes } from './factor-routes.ts'
import { linksRoutes } from './links-routes.ts'
import { passkeyRoutes } from './passkey-routes.ts'
import { peopleRoutes } from './people-routes.ts'
import { proofRoutes } from './proof-routes.ts'
import { providerLogoutRoutes } from './provider-logout-routes.ts'
import { providerRoutes } from './provider-routes.ts'
import { secondFactorRoutes } from './second-factor-routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { sessionsRoutes } from './devices-routes.ts'
import { signInOutRoutes } from './sign-in-routes.ts'
import { testSignInRoutes } from './test-sign-in-routes.ts'

/** All routes below /auth. Routes set no Cache-Control; the response class makes that `no-store` (HD-10). */
export function authRoutes(deps: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()
  app.route('/', sessionRoutes(deps))
  // Before the sign-in methods, whose names these calls have.
  app.route('/', secondFactorRoutes(deps))
  // Before those that take any name of a method.
  app.route('/', passkeyRoutes(deps))
  app.route('/', signInOutRoutes(deps))
  app.route('/', providerRoutes(deps))
  app.route('/', providerLogoutRoutes(deps))
  app.route('/', linksRoutes(deps))
  app.route('/', registrationRoutes(deps))
  app.route('/', accountRoutes(deps))
  app.route('/', emailRoutes(deps))
  app.route('/', factorRoutes(deps))
  app.route('/', appsRoutes(deps))
  app.route('/', sessionsRoutes(deps))
  app.route('/', peopleRoutes(deps))
  if (deps.config.testSignIn !== null) app.route('/', testSignInRoutes(deps, deps.config.testSignIn))
  if (deps.proof !== null) app.route('/', proofRoutes(deps.proof))
  return app
}
