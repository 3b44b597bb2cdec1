import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { Problem } from '../../base/problem.ts'
import { passkeyAmr } from '../../contract/acr.ts'
import { HOME } from '../../contract/return-to.ts'
import {
  AddPasskeyRequest,
  PasskeyChallengeRequest,
  PasskeyLoginRequest,
  PasskeyOptionsRequest,
  type PasskeySignals,
  RenamePasskeyRequest,
  type WirePasskey,
} from '../../contract/wire.ts'
import type { PasskeyRecord } from '../../store/factor-types.ts'
import type { Env } from '../request/hono-env.ts'
import type { AuthDeps } from './auth-deps.ts'
import { authenticateBy, posted, reauthenticateBy, type StepAnswer, takeTransaction } from './method-calls.ts'
import { keepTransaction } from './provider-cookie.ts'
import { readJson } from './read-body.ts'
import { requireFresh, signedIn } from './require-caller.ts'
import { completeSignIn } from './second-factor-routes.ts'

/** The passkeys of the caller's account, and the challenges for using one. */
export function passkeyRoutes(deps: AuthDeps): Hono<Env> {
  const { methods, clock, config, people } = deps
  const { secureCookies: secure } = config
  const app = new Hono<Env>()
  const method = () => methods.find('passkey')

  /** @throws Problem `not_found` where passkeys do not work */
  function offered() {
    if (people.passkeys === null) throw new Problem('not_found')
    return people.passkeys
  }
  /** Whoever may change the passkeys of the account. */
  function owner(c: Context<Env>) {
    const who = signedIn(c)
    requireFresh(who, clock.now().wall)
    return who
  }

  app.post('/login/passkey/options', async c => {
    const hasBody = c.req.header('content-type') !== undefined
    const { secondFactor } = hasBody ? await readJson(c, PasskeyChallengeRequest) : { secondFactor: true }
    const middle = secondFactor ? await deps.secondFactor.read(c.get('caller').secondFactor) : null
    if (middle !== null) {
      const { userId, id: pendingId } = middle
      // After a password, the passkey need not verify its user as well.
      const how = { of: userId, verify: false }
      const { options, pending } = await offered().beginUse({ kind: 'second_factor', userId, pendingId }, how)
      keepTransaction(c, pending, secure)
      return c.json(options)
    }
    const call = { method: method(), input: posted({}), remember: false, returnTo: HOME }
    return c.json(challengeIn(await authenticateBy(c, deps, call, () => {})))
  })
  // The second step of a sign-in, if that is what its challenge was for; otherwise a sign-in like any other.
  app.post('/login/passkey', async (c, next) => {
    const body = v.safeParse(PasskeyLoginRequest, await readJson(c, v.looseObject({})))
    if (!body.success || people.passkeys === null) return next()
    const { credential, rememberDevice = false } = body.output
    const { passkeys } = people
    const { client, transaction } = c.get('caller')
    if ((await passkeys.purposeOf(credential, transaction)) !== 'second_factor') return next()
    const step = { method: 'passkey', rememberDevice }
    const answer = await completeSignIn(c, deps, step, async ({ id }, pending) => {
      const take = (name: string) => takeTransaction(c, name, secure)
      const { account, purpose, userVerified } = await passkeys.use('second_factor', credential, take, client)
      if (purpose.pendingId !== pending.id) throw new Problem('login_expired')
      if (account.id !== id) throw new Problem('passkey_of_another')
      return passkeyAmr(userVerified)
    })
    return c.json(answer)
  })

  app.post('/reauthenticate/options', async c => {
    signedIn(c)
    return c.json(challengeIn(await reauthenticateBy(c, deps, { method: method(), input: posted({}), returnTo: HOME })))
  })

  app.get('/passkeys', async c => c.json<PasskeySignals>(await offered().signals(signedIn(c).user)))

  app.post('/passkeys/options', async c => {
    signedIn(c)
    const { automatic } = await readJson(c, PasskeyOptionsRequest)
    const { user, session } = owner(c)
    const { options, pending } = await offered().beginAdding(user, session.publicId, automatic)
    keepTransaction(c, pending, secure)
    return c.json(options)
  })
  app.post('/passkeys', async c => {
    signedIn(c)
    const made = await readJson(c, AddPasskeyRequest)
    const { actor } = owner(c)
    return c.json(toWire(await offered().add(made, actor, id => takeTransaction(c, id, secure))))
  })
  app.patch('/passkeys/:id', async c => {
    const { user } = signedIn(c)
    const { name } = await readJson(c, RenamePasskeyRequest)
    return c.json(toWire(await offered().rename(c.req.param('id'), user.id, name)))
  })
  app.delete('/passkeys/:id', async c => {
    const { actor } = owner(c)
    await offered().remove(c.req.param('id'), actor)
    return c.json({})
  })
  return app
}

/** The options as the browser takes them. */
function challengeIn(answer: StepAnswer): object {
  if ('challenge' in answer) return answer.challenge
  throw new Problem('internal', {}, new Error('a passkey without a challenge'))
}

function toWire({ id, name, deviceType, createdAt, lastUsedAt }: PasskeyRecord): WirePasskey {
  return { id, name, synced: deviceType === 'multiDevice', createdAt, lastUsedAt }
}
