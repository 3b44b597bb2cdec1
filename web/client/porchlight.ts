import type { SessionAnswer } from '../../server/contract/wire.ts'

// Served at /_porchlight/client.js for other front ends: an ES module that also sets `window.porchlight`, at most 2 KB
// and without imports at run time. It stores nothing; the server knows who is signed in.

type Listener = (now: SessionAnswer) => void

const SIGN_IN = '/sign-in'
const CONFIRM = '/reauthenticate'
const SOONEST_MS = 5_000
/** The limit of setTimeout: 31 bits. */
const LATEST_MS = 2 ** 31 - 1

let channel: BroadcastChannel | undefined
const listeners = new Set<Listener>()
let known: SessionAnswer | undefined
let watching = false
let timer: ReturnType<typeof setTimeout> | undefined

/** Asks the server who is signed in; `ended` says why the last session ended. Rejects if the server cannot answer. */
export async function session(options: { background?: boolean } = {}): Promise<SessionAnswer> {
  watch()
  const answer = await window.fetch('/auth/session', {
    headers: options.background ? { 'X-Porchlight-Background': '1' } : {},
  })
  if (!answer.ok) throw new Error(`/auth/session answered ${answer.status}`)
  return take((await answer.json()) as SessionAnswer)
}

/**
 * Calls the listener as soon as the session is known, and at every sign-in or sign-out, in this tab or another.
 * @returns a function that removes the listener
 */
export function onChange(listener: Listener): () => void {
  listeners.add(listener)
  if (known) listener(known)
  else look()
  return () => void listeners.delete(listener)
}

/**
 * As window.fetch, for calls to this origin. If the session has ended it goes to the sign-in page, which returns here,
 * and if the sign-in was too long ago, to the page that confirms it; the 401 is returned all the same.
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
  if (code === 'insufficient_user_authentication') leaveFor(CONFIRM, here())
  // Another tab has just signed in again, and its cookies are in place by now. A stream cannot be sent twice.
  return code === 'session_replaced' && !(init?.body instanceof ReadableStream) ? send() : answer
}

/**
 * Goes to the sign-in page.
 * @param returnTo a path of this site
 */
export function signIn(returnTo = here()): void {
  leaveFor(SIGN_IN, returnTo)
}

function leaveFor(page: string, returnTo: string): void {
  location.assign(`${page}?returnTo=${encodeURIComponent(returnTo)}`)
}

function here(): string {
  return location.pathname + location.search + location.hash
}

/** Ends the session, here and in the other tabs. Rejects if the server could not. */
export async function signOut(): Promise<void> {
  const answer = await window.fetch('/auth/logout', { method: 'POST' })
  if (!answer.ok) throw new Error(`/auth/logout answered ${answer.status}`)
  tabs().postMessage(null)
  take((await answer.json()) as SessionAnswer)
}

function take(answer: SessionAnswer): SessionAnswer {
  const changed = !known || facts(known) !== facts(answer)
  known = answer
  clearTimeout(timer)
  if (answer.session) {
    // The browser's clock may be fast, so an end that seems past is checked again only after a pause.
    const left = Math.min(answer.session.idleEndsAt, answer.session.absoluteEndsAt) - Date.now() + 1_000
    timer = setTimeout(look, Math.min(Math.max(left, SOONEST_MS), LATEST_MS))
  }
  if (changed) for (const listener of listeners) listener(answer)
  return answer
}

/** Opened on demand: a server that renders the page imports this module, too. */
function tabs(): BroadcastChannel {
  return (channel ??= new BroadcastChannel('porchlight'))
}

/** What a page shows of the session: its times change with every request. */
function facts({ user, session, ended }: SessionAnswer): string {
  return JSON.stringify([user, session?.id, ended])
}

/**
 * A background call is no activity: it does not keep an idle session alive. If it fails, nothing changes.
 */
function look(): void {
  session({ background: true }).catch(() => undefined)
}

function watch(): void {
  if (watching) return
  watching = true
  tabs().onmessage = look
  window.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && look())
  // The browser's back-forward cache shows who was signed in then.
  window.addEventListener('pageshow', event => event.persisted && look())
}

Object.assign(globalThis, { porchlight: { session, onChange, fetch, signIn, signOut } })
