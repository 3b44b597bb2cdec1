import type { Context } from 'hono'
import type { ChallengeAnswer, ProviderLoginAnswer, SessionAnswer } from '../../contract/wire.ts'
import type { SignInContext, SignInInput, SignInMethod, SignInStep } from '../../login/sign-in-method.ts'
import type { Env } from '../request/hono-env.ts'
import type { AuthDeps } from './auth-deps.ts'
import { clearTransaction, keepTransaction, roomForTransaction } from './provider-cookie.ts'
import { signedIn } from './require-caller.ts'
import { currentSession, openSession, type Opening } from './sign-in-reply.ts'

/** The response to a script. */
export type StepAnswer = SessionAnswer | ProviderLoginAnswer | ChallengeAnswer

export interface MethodCall {
  method: SignInMethod
  input: SignInInput
  returnTo: string
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
  { method, input, returnTo }: MethodCall,
): Promise<StepAnswer> {
  const { session } = signedIn(c)
  const { remember, publicId } = session
  const step = await method.reauthenticate(input, { ...contextOf(c, deps, { remember, returnTo }), session })
  return take(c, deps, step, { remember, replaces: { publicId, reauthenticates: true } })
}

async function take(c: Context<Env>, deps: AuthDeps, step: SignInStep, opening: Opening): Promise<StepAnswer> {
  if (step.next === 'session') return openSession(c, deps, step.proof, opening)
  keepTransaction(c, step.pending, deps.config.secureCookies)
  return step.next === 'redirect' ? { href: step.href } : { next: 'challenge', challenge: step.challenge }
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
