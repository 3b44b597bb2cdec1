import type { SessionAnswer } from '../../server/contract/wire.ts'

// Served at /_porchlight/client.js, for front ends that are not ours: an ES module that also sets `window.porchlight`.
// At most 2 KB, and without any import at run time. It keeps nothing: who is signed in is the server's to say.

type Listener = (now: SessionAnswer) => void

const SIGN_IN = '/sign-in'
const SOONEST_MS = 5_000
/** setTimeout counts in 31 bits. */
const LATEST_MS = 2 ** 31 - 1

const tabs = new BroadcastChannel('porchlight')
const listeners = new Set<Listener>()
let known: SessionAnswer | undefined
let watching = false
let timer: ReturnType<typeof setTimeout> | undefined

/** Who is signed in, asked anew; `ended` is why the last session is over. Rejects when the server cannot say. */
export async function session(options: { background?: boolean } = {}): Promise<SessionAnswer> {
  watch()
  const answer = await window.fetch('/auth/session', {
    headers: options.background ? { 'X-Porchlight-Background': '1' } : {},
  })
  if (!answer.ok) throw new Error(`/auth/session answered ${answer.status}`)
  return take((await answer.json()) as SessionAnswer)
}

/**
 * Calls the listener now, as soon as that is known, and whenever somebody signs in or out, in this tab or in another.
 * @returns stops it
 */
export function onChange(listener: Listener): () => void {
  listeners.add(listener)
  if (known) listener(known)
  else look()
  return () => void listeners.delete(listener)
}

/**
 * As window.fetch, for calls of this origin. Where nobody is signed in any more it goes to the sign-in page, which
 * comes back here; the 401 is given back all the same.
 */
export async function fetch(input: string | URL, init?: RequestInit): Promise<Response> {
  const send = () => window.fetch(input, init)
  const answer = await send()
  if (answer.status !== 401 || new URL(answer.url).origin !== location.origin) return answer
  const code = await answer
    .clone()
    .json()
    .then(
      (problem: { code?: string }) => problem.code,
      () => undefined,
    )
  if (code === 'not_signed_in') signIn()
  // Another tab has just signed in anew, and this one's cookies are right by now. A stream cannot be sent twice.
  return code === 'session_replaced' && !(init?.body instanceof ReadableStream) ? send() : answer
}

/**
 * Goes to the sign-in page.
 * @param returnTo a path of this site
 */
export function signIn(returnTo = location.pathname + location.search + location.hash): void {
  location.assign(`${SIGN_IN}?returnTo=${encodeURIComponent(returnTo)}`)
}

/** Ends the session, here and in the other tabs. Rejects when the server could not. */
export async function signOut(): Promise<void> {
  const answer = await window.fetch('/auth/logout', { method: 'POST' })
  if (!answer.ok) throw new Error(`/auth/logout answered ${answer.status}`)
  tabs.postMessage(null)
  take((await answer.json()) as SessionAnswer)
}

function take(answer: SessionAnswer): SessionAnswer {
  const changed = !known || facts(known) !== facts(answer)
  known = answer
  clearTimeout(timer)
  if (answer.session) {
    // A browser's clock may be fast: an end that seems past is asked for again only after a pause.
    const left = Math.min(answer.session.idleEndsAt, answer.session.absoluteEndsAt) - Date.now() + 1_000
    timer = setTimeout(look, Math.min(Math.max(left, SOONEST_MS), LATEST_MS))
  }
  if (changed) for (const listener of listeners) listener(answer)
  return answer
}

/** What a page shows of it: the times move with every request. */
function facts({ user, session, ended }: SessionAnswer): string {
  return JSON.stringify([user, session?.id, ended])
}

/**
 * A background question is no activity: it keeps no idle session alive. Where nothing can be learned, nothing changes.
 */
function look(): void {
  session({ background: true }).catch(() => undefined)
}

function watch(): void {
  if (watching) return
  watching = true
  tabs.onmessage = look
  window.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && look())
  // A page from the back-forward memory shows who was signed in then.
  window.addEventListener('pageshow', event => event.persisted && look())
}

Object.assign(globalThis, { porchlight: { session, onChange, fetch, signIn, signOut } })
