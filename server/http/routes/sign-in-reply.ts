import type { Context } from 'hono'
import type * as v from 'valibot'
import { SECOND, type UnixMs } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import { HOME } from '../../contract/return-to.ts'
import type { SecondFactorAnswer, SessionAnswer } from '../../contract/wire.ts'
import { DEVICE_LIFE_MS, readDevice, sealDevice } from '../../login/known-device.ts'
import type { Proof } from '../../login/sign-in-method.ts'
import { clearCookie, cookieName, serializeCookie } from '../../session/cookie-names.ts'
import type { ReplacedSession } from '../../session/types.ts'
import type { Env } from '../request/hono-env.ts'
import { signedInAnswer } from '../response/session-body.ts'
import { checkForm, isForm, readForm, readJson } from './read-body.ts'
import type { AuthDeps } from './auth-deps.ts'
import { formCookie, keepForm } from './kept-form.ts'
import { clearPending } from './pending-cookie.ts'
import { languageIn } from './language-in.ts'

/** How a session is opened for a proof. */
export interface Opening {
  remember: boolean
  /** The session that ends with it, or null. */
  replaces: ReplacedSession | null
  /** When the person authenticated, if that was before; null: now, or as the proof says. */
  authTime?: UnixMs | null
  /** Whether they wish not to be asked for a second factor in this browser for a while. */
  rememberDevice?: boolean
}

/**
 * Opens a session for a user who has just authenticated, replacing the one that this browser has, if any: a session
 * never survives a sign-in (ASVS 7.2.4, CS-11).
 */
export async function openSession(
  c: Context<Env>,
  { sessions, people, keyring, clock, config, writeRate }: AuthDeps,
  { account, amr, basis, abandon }: Proof,
  { authTime = null, rememberDevice = false, ...opening }: Opening,
): Promise<SessionAnswer> {
  const { client, device, signedIn } = c.get('caller')
  const now = clock.now().wall
  const before = await readDevice(keyring, device, now)
  const input = { userId: account.id, amr, client, basis, authTime, newDevice: before?.userId !== account.id }
  const open = async () => {
    // Limits the sessions that a known password can create. Posts of a signed-in user have been counted already, and
    // may include a password change.
    if (signedIn === null || c.req.method === 'GET') writeRate.spend(account.id)
    return sessions.open({ ...input, ...opening })
  }
  const { session, issued } = await open().catch((error: unknown) => {
    abandon()
    throw error
  })
  await people.accounts.noteLanguage(account, languageIn(c))
  const passwordSetAt = basis?.kind === 'password' ? basis.setAt : null
  const known = sealDevice(keyring, before, account.id, now, passwordSetAt, rememberDevice ? now : null)
  const answer = c.get('answer')
  answer.issue(issued)
  // Whatever was pending is over: by its second factor, or by another sign-in.
  if (c.get('caller').secondFactor !== null) answer.cookie(clearPending(config.secureCookies))
  answer.cookie(
    serializeCookie(cookieName('device', config.secureCookies), known, {
      secure: config.secureCookies,
      maxAgeSeconds: DEVICE_LIFE_MS / SECOND,
    }),
  )
  return signedInAnswer(account, session)
}

/** The session that this browser has now, to be replaced by the new one. */
export function currentSession(c: Context<Env>): ReplacedSession | null {
  const { signedIn } = c.get('caller')
  return signedIn && { publicId: signedIn.session.publicId, reauthenticates: false }
}

interface Submission<S> {
  schema: S
  /**
   * The page with the form, where a failed post without JavaScript returns to; if it has several, followed by `#` and
   * the form's name.
   */
  page: string
  /** The fields to show again. */
  keep: readonly string[]
  /** Where a successful form goes; null: its `returnTo`. */
  next: string | null
}

/** The page on which a sign-in is completed. */
const SECOND_FACTOR = '/second-factor'

/** Whether an answer asks for a second factor. */
export function isPending(answer: object): answer is SecondFactorAnswer {
  return 'next' in answer && answer.next === 'second_factor'
}

/** Where its page is, and from there back. */
export function secondFactorPage(returnTo: string): string {
  return returnTo === HOME ? SECOND_FACTOR : `${SECOND_FACTOR}?${new URLSearchParams({ returnTo }).toString()}`
}

/**
 * Handles a call sent as JSON by a script, or as a form post without JavaScript: the latter gets a 303, on failure back
 * to the form, which shows the problem and the input. No field is ever in a URL.
 */
export async function submitted<S extends v.GenericSchema<unknown, unknown>>(
  c: Context<Env>,
  deps: AuthDeps,
  { schema, page, keep, next }: Submission<S>,
  act: (fields: v.InferOutput<S>) => Promise<object>,
): Promise<Response> {
  if (!isForm(c)) return c.json(await act(await readJson(c, schema)))
  const fields = await readForm(c)
  const returnTo = deps.returnPaths.safe(fields.get('returnTo'))
  let answer: object
  try {
    answer = await act(checkForm(schema, fields))
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const problem = error.body(c.get('requestId'))
    c.get('answer').cookie(
      formCookie(
        keepForm(deps.keyring, { page, problem, fields }, keep, deps.clock.now().wall),
        deps.config.secureCookies,
      ),
    )
    // Nothing is pending any more: it starts with the first factor again.
    const from = page.startsWith(SECOND_FACTOR) && error.code === 'login_expired' ? '/sign-in' : page
    const [path = '', form] = from.split('#')
    const query = new URLSearchParams({
      problem: error.code,
      ...(form === undefined ? {} : { form }),
      ...(returnTo === HOME ? {} : { returnTo }),
    })
    return c.redirect(`${path}?${query.toString()}${form === undefined ? '' : `#${form}`}`, 303)
  }
  // Clears what an earlier failed attempt left.
  if (c.get('caller').form !== null) {
    const secure = deps.config.secureCookies
    c.get('answer').cookie(clearCookie(cookieName('form', secure), { secure }))
  }
  return c.redirect(isPending(answer) ? secondFactorPage(returnTo) : (next ?? returnTo), 303)
}
