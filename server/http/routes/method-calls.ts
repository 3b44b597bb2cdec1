import type { Context } from 'hono'
import { Problem } from '../../base/problem.ts'
import { withFactor } from '../../contract/acr.ts'
import type { ChallengeAnswer, ProviderLoginAnswer, SecondFactorAnswer, SessionAnswer } from '../../contract/wire.ts'
import type { Proof, SignInContext, SignInInput, SignInMethod, SignInStep } from '../../login/sign-in-method.ts'
import type { Env } from '../request/hono-env.ts'
import type { AuthDeps } from './auth-deps.ts'
import { pendingCookie } from './pending-cookie.ts'
import { clearTransaction, keepTransaction, roomForTransaction } from './provider-cookie.ts'
import { signedIn } from './require-caller.ts'
import { currentSession, openSession, type Opening } from './sign-in-reply.ts'

/** The response to a script. */
export type StepAnswer = SessionAnswer | SecondFactorAnswer | ProviderLoginAnswer | ChallengeAnswer

export interface MethodCall {
  method: SignInMethod
  input: SignInInput
  returnTo: string
  /** Where a person confirms who they are: a code of their second factor, sent together with the first; null: none. */
  code?: string | null
}

export interface SignInCall extends MethodCall {
  remember: boolean
}

export const posted = (fields: object): SignInInput => ({ kind: 'posted', fields })

/** Signs in with a method and takes the step that it asks for. @param isAbout called with the account, once known */
export async function authenticateBy(
  c: Context<Env>,
  deps: AuthDeps,
  { method, input, returnTo, remember }: SignInCall,
  isAbout: (accountId: string) => void,
): Promise<StepAnswer> {
  const step = await method.authenticate(input, contextOf(c, deps, { remember, returnTo }))
  if (step.next === 'session') isAbout(step.proof.account.id)
  return take(c, deps, step, { remember, replaces: currentSession(c) })
}

/** Confirms the identity of the signed-in user with a method. @throws Problem `not_signed_in` */
export async function reauthenticateBy(
  c: Context<Env>,
  deps: AuthDeps,
  { method, input, returnTo, code = null }: MethodCall,
): Promise<StepAnswer> {
  const { session } = signedIn(c)
  const { remember, publicId } = session
  const first = await method.reauthenticate(input, { ...contextOf(c, deps, { remember, returnTo }), session })
  const step = first.next === 'session' && input.kind === 'posted' ? await withCode(c, deps, first, code) : first
  return take(c, deps, step, { remember, replaces: { publicId, reauthenticates: true } })
}

/**
 * Confirming who one is takes the strongest that a person has, in one call.
 * @throws Problem `code_required` if it is missing; whatever a wrong one throws
 */
async function withCode(
  c: Context<Env>,
  deps: AuthDeps,
  { proof }: Extract<SignInStep, { next: 'session' }>,
  code: string | null,
): Promise<SignInStep> {
  if (!(await deps.secondFactor.isNeeded(proof, null))) return { next: 'session', proof }
  const { factors } = deps.people
  const { client } = c.get('caller')
  const { session, user } = signedIn(c)
  try {
    if (code === null) throw new Problem('code_required').about(user.id)
    await factors.check(factors.kindOf(code), { userId: user.id, sessionId: session.publicId, code, client })
  } catch (error) {
    proof.abandon()
    throw error
  }
  return { next: 'session', proof: { ...proof, amr: withFactor(proof.amr, ['otp']) } }
}

async function take(c: Context<Env>, deps: AuthDeps, step: SignInStep, opening: Opening): Promise<StepAnswer> {
  if (step.next === 'session') return openOrAsk(c, deps, step.proof, opening)
  keepTransaction(c, step.pending, deps.config.secureCookies)
  return step.next === 'redirect' ? { href: step.href } : { next: 'challenge', challenge: step.challenge }
}

/** Opens a session, or asks for the second factor that has to follow: until then there is none. */
async function openOrAsk(
  c: Context<Env>,
  deps: AuthDeps,
  proof: Proof,
  opening: Opening,
): Promise<SessionAnswer | SecondFactorAnswer> {
  const reauthenticates = opening.replaces?.reauthenticates === true ? opening.replaces.publicId : null
  const device = reauthenticates === null ? c.get('caller').device : null
  if (!(await deps.secondFactor.isNeeded(proof, device))) return openSession(c, deps, proof, opening)
  const { sealed, methods } = await deps.secondFactor.begin(proof, { remember: opening.remember, reauthenticates })
  c.get('answer').cookie(pendingCookie(sealed, deps.config.secureCookies))
  return { next: 'second_factor', methods }
}

function contextOf(
  c: Context<Env>,
  { config: { secureCookies: secure } }: AuthDeps,
  wish: Pick<SignInContext, 'remember' | 'returnTo'>,
): SignInContext {
  const { client, device } = c.get('caller')
  return {
    ...wish,
    client,
    device,
    pending: { maxBytes: () => roomForTransaction(c, secure), take: id => takeTransaction(c, id, secure) },
  }
}

/** Takes a sign-in in progress away from this browser, whatever its outcome. @returns its sealed cookie, or null */
export function takeTransaction(c: Context<Env>, id: string, secure: boolean): string | null {
  const caller = c.get('caller')
  // A script may send any id, and it becomes part of a cookie's name.
  if (!caller.transactions().includes(id)) return null
  const sealed = caller.transaction(id)
  if (sealed !== null) clearTransaction(c, id, secure)
  return sealed
}
