import { createHash, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { Problem } from '../../base/problem.ts'
import type { Secret } from '../../base/secret.ts'
import { MAX_NAME_LENGTH, TestSignInRequest } from '../../contract/wire.ts'
import type { Env } from '../request/hono-env.ts'
import { logAttempt } from './attempts.ts'
import type { AuthDeps } from './auth-deps.ts'
import { readJson } from './read-body.ts'
import { currentSession, openSession } from './sign-in-reply.ts'

/** As an ordinary sign-in has it (RFC 8176). */
const PASSWORD = ['pwd']

/**
 * Sign-in for the tests of an app: whoever knows the secret is anybody, with any roles, but only in an account of the
 * tests' own. The secret stands in for a password and for nothing else: the same-origin rule applies as everywhere.
 * @see docs/decisions/028-test-sign-in.md
 */
export function testSignInRoutes(deps: AuthDeps, secret: Secret): Hono<Env> {
  const app = new Hono<Env>()

  app.post('/test/sign-in', c =>
    logAttempt(c, deps.log, { attempt: 'sign_in', method: 'test' }, async isAbout => {
      requireSecret(c.req.header('authorization'), secret)
      const { email, name = nameFor(email), roles = ['user'], amr = PASSWORD } = await readJson(c, TestSignInRequest)
      const account = await deps.people.accounts.putTestAccount({ email, name, roles }, c.get('caller').client)
      isAbout(account.id)
      const proof = { account, amr, basis: null, abandon: () => {} }
      // Tests sign the same person in again and again.
      const unlimited = { ...deps, writeRate: { spend: () => {} } }
      return c.json(await openSession(c, unlimited, proof, { remember: false, replaces: currentSession(c) }))
    }),
  )

  return app
}

/** @throws Problem `invalid_credentials` */
function requireSecret(authorization: string | undefined, secret: Secret): void {
  const presented = /^Bearer ([!-~]+)$/i.exec(authorization ?? '')?.[1] ?? ''
  // Hashed, because only values of the same length can be compared in constant time.
  if (timingSafeEqual(sha256(presented), sha256(secret.reveal()))) return
  throw new Problem('invalid_credentials', {
    detail: 'Send the value of PORCHLIGHT_TEST_SIGN_IN in the header "Authorization: Bearer".',
  })
}

const nameFor = (email: string) => email.split('@')[0]?.slice(0, MAX_NAME_LENGTH) ?? email

const sha256 = (text: string) => createHash('sha256').update(text).digest()
