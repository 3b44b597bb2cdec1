import type * as v from 'valibot'
import type { ProblemCode } from '../problem-codes.ts'

/** Groups of calls, in the order in which they are described. */
export const TAGS = {
  Session: 'Who is signed in, how to sign in, and signing out.',
  Providers: 'Signing in at an identity provider: navigations, and what a provider sends.',
  Accounts: 'Creating an account, and a new password by a one-time link.',
  'My account': 'What signed-in people see and change about themselves.',
  People: 'What administrators see and change.',
  Discovery: 'What programs read: health, public keys and this description. No cookie is read or set.',
  Tests: 'For the tests of an app, where `PORCHLIGHT_TEST_SIGN_IN` is set.',
  Demo: 'The demonstrations of `/proof`, while the sample runs.',
} as const

/** A call's method and its path as the router writes it: `DELETE /auth/sessions/:id`. */
export type CallName = `${'GET' | 'POST' | 'PATCH' | 'DELETE'} /${string}`

type Schema = v.GenericSchema<unknown, unknown>

/** One status with which a call succeeds. */
export interface Answer {
  about: string
  /** Absent: there is no body. */
  type?: string
  /** Absent: the body is text. */
  schema?: Schema
  headers?: readonly ResponseHeader[]
}
export type ResponseHeader = 'ETag' | 'Location' | 'Set-Cookie'

/**
 * What one call takes and answers. GET /auth/openapi.json is made from it, and tests hold every response against it.
 * What follows from the rest is left out, such as `not_signed_in` where `caller` is a user: see `problemsOf`.
 */
export interface Call {
  tag: keyof typeof TAGS
  /** Names the function in generated clients: `listSessions`. */
  id: string
  /** Imperative, without a full stop. */
  summary: string
  /** More, in Markdown. */
  about?: string
  /** Who may call. `server`: a program without cookies. `tests`: the holder of the tests' secret */
  caller: 'anyone' | 'user' | 'administrator' | 'server' | 'tests'
  /** The parameters of the path: in words, or a schema if not any text will do. */
  path?: Readonly<Record<string, string | Schema>>
  query?: v.ObjectSchema<v.ObjectEntries, undefined>
  /** A JSON body. */
  body?: Schema
  /** A body as HTML forms send it. `also`: the fields of `body`, for forms that work without JavaScript */
  form?: 'also' | Schema
  answers: Readonly<Record<number, Answer>>
  /** The problems that are particular to this call. */
  problems?: readonly ProblemCode[]
}

export type Calls = Readonly<Record<CallName, Call>>

export const json = (schema: Schema, about = 'Done.', headers: readonly ResponseHeader[] = []): Answer => ({
  about,
  type: 'application/json',
  schema,
  headers,
})

export const seeOther = (about: string, headers: readonly ResponseHeader[] = []): Answer => ({
  about,
  headers: ['Location', ...headers],
})

export const text = (about: string): Answer => ({ about, type: 'text/plain' })
