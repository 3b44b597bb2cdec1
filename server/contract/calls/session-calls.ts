import * as v from 'valibot'
import {
  ChallengeAnswer,
  LoginAnswer,
  LoginRequest,
  MethodLoginRequest,
  MethodReauthenticateRequest,
  MethodsAnswer,
  ProviderLoginAnswer,
  ReauthenticateRequest,
  SecondFactorAnswer,
  SessionAnswer,
  SignOutAnswer,
} from '../wire.ts'
import { type Calls, json, seeOther } from './call.ts'
import { CODE_CHECK, OPENING, PASSKEY_USE, PASSWORD_CHECK, PROVIDER_ACCOUNT, PROVIDER_CALL } from './problem-groups.ts'

/** What a script gets from a sign-in method: a session, where to go, or a challenge to answer. */
const MethodAnswer = v.union([SessionAnswer, SecondFactorAnswer, ProviderLoginAnswer, ChallengeAnswer])
const METHOD = { method: 'The id of a method or provider, as `GET /auth/methods` lists it.' }
const SIGN_IN = [...PASSWORD_CHECK, ...OPENING, ...PROVIDER_CALL, ...PROVIDER_ACCOUNT] as const

export const SESSION_CALLS = {
  'GET /auth/session': {
    tag: 'Session',
    id: 'readSession',
    summary: 'Say who is signed in',
    about: 'Never contains a token. `ended` says why the session of this browser is over, once.',
    caller: 'anyone',
    answers: { 200: json(SessionAnswer, 'The person and the session, or nulls.') },
  },
  'GET /auth/methods': {
    tag: 'Session',
    id: 'listMethods',
    summary: 'List the ways to sign in',
    caller: 'anyone',
    answers: { 200: json(MethodsAnswer, 'What a sign-in page needs to know.') },
  },
  'POST /auth/login': {
    tag: 'Session',
    id: 'signIn',
    summary: 'Sign in with a password',
    about: 'An unknown address and a wrong password are answered alike.',
    caller: 'anyone',
    body: LoginRequest,
    form: 'also',
    answers: {
      200: json(LoginAnswer, 'Signed in, or a second factor is needed: there is no session yet.', ['Set-Cookie']),
      303: seeOther(
        'A form: on to its `returnTo`, to `/second-factor`, or back to the page, which shows the problem.',
        ['Set-Cookie'],
      ),
    },
    problems: ['not_found', ...SIGN_IN],
  },
  'POST /auth/login/:method': {
    tag: 'Session',
    id: 'signInBy',
    summary: 'Sign in by any method, from a script',
    about:
      'For a provider the answer is where to go, so that an invitation need not be in an address. Other fields of the body belong to the method.',
    caller: 'anyone',
    path: METHOD,
    body: MethodLoginRequest,
    answers: { 200: json(MethodAnswer, 'Signed in, or what comes next.', ['Set-Cookie']) },
    problems: [...SIGN_IN, ...PASSKEY_USE],
  },
  'POST /auth/reauthenticate': {
    tag: 'Session',
    id: 'reauthenticate',
    summary: 'Confirm who you are with the password, and a code if you have a second factor, or with a passkey',
    about: 'Opens a new session in place of this one, with a fresh `authTime`.',
    caller: 'user',
    body: ReauthenticateRequest,
    form: 'also',
    answers: {
      200: json(SessionAnswer, 'Confirmed.', ['Set-Cookie']),
      303: seeOther('A form: on to its `returnTo`, or back to the page, which shows the problem.', ['Set-Cookie']),
    },
    problems: ['not_found', 'forbidden', 'code_required', ...CODE_CHECK, ...SIGN_IN, ...PASSKEY_USE],
  },
  'POST /auth/reauthenticate/:method': {
    tag: 'Session',
    id: 'reauthenticateBy',
    summary: 'Confirm who you are by any method, from a script',
    caller: 'user',
    path: METHOD,
    body: MethodReauthenticateRequest,
    answers: { 200: json(MethodAnswer, 'Confirmed, or what comes next.', ['Set-Cookie']) },
    problems: ['forbidden', 'code_required', ...SIGN_IN, ...PASSKEY_USE],
  },
  'POST /auth/logout': {
    tag: 'Session',
    id: 'signOut',
    summary: 'Sign out',
    about:
      'Needs no body, and no session. `next` is there if the sign-out continues at a provider. Sent with `Clear-Site-Data: "storage"` where the pages are ours.',
    caller: 'anyone',
    form: v.object({}),
    answers: {
      200: json(SignOutAnswer, 'Signed out.', ['Set-Cookie']),
      303: seeOther('A form: on to `/signed-out`.', ['Set-Cookie']),
    },
    problems: ['unsupported_media_type'],
  },
} satisfies Calls
