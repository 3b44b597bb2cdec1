import * as v from 'valibot'
import {
  AddPasskeyRequest,
  ChallengeAnswer,
  EmptyAnswer,
  PasskeyChallengeRequest,
  PasskeyLoginRequest,
  PasskeyOptionsAnswer,
  PasskeyOptionsRequest,
  PasskeySignals,
  RenamePasskeyRequest,
  SessionAnswer,
  WirePasskey,
} from '../wire.ts'
import { type Calls, json } from './call.ts'
import { OPENING, PASSKEY_USE } from './problem-groups.ts'

const ID = { id: 'The id of a passkey, as `GET /auth/factors` lists it.' }
const OFFERED = '404 where browsers offer no passkeys: over plain http except on localhost, and at an IP address.'

export const PASSKEY_CALLS = {
  'POST /auth/login/passkey/options': {
    tag: 'Session',
    id: 'beginPasskeySignIn',
    summary: 'Get a challenge to sign in with a passkey',
    about: `The same for everybody, except in the middle of a sign-in: then only passkeys of that account complete it. The body may be absent. It has to be answered within five minutes, by the same browser, once. ${OFFERED}`,
    caller: 'anyone',
    body: PasskeyChallengeRequest,
    answers: { 200: json(PasskeyOptionsAnswer, 'What `navigator.credentials.get()` takes.', ['Set-Cookie']) },
    problems: ['not_found'],
  },
  'POST /auth/login/passkey': {
    tag: 'Session',
    id: 'signInWithPasskey',
    summary: 'Sign in with a passkey, or complete a sign-in with it',
    about:
      'Answers the challenge. On its own the passkey has to verify its user; `rememberDevice` is for a second step.',
    caller: 'anyone',
    body: PasskeyLoginRequest,
    answers: { 200: json(v.union([SessionAnswer, ChallengeAnswer]), 'Signed in.', ['Set-Cookie']) },
    problems: ['not_found', ...OPENING, ...PASSKEY_USE],
  },
  'POST /auth/reauthenticate/options': {
    tag: 'Session',
    id: 'beginPasskeyConfirmation',
    summary: 'Get a challenge to confirm who you are with a passkey',
    caller: 'user',
    answers: { 200: json(PasskeyOptionsAnswer, 'What `navigator.credentials.get()` takes.', ['Set-Cookie']) },
    problems: ['not_found'],
  },
  'GET /auth/passkeys': {
    tag: 'My account',
    id: 'readPasskeySignals',
    summary: 'Read what authenticators should know of my passkeys',
    about: 'For `PublicKeyCredential.signalAllAcceptedCredentials()` and `signalCurrentUserDetails()`.',
    caller: 'user',
    answers: { 200: json(PasskeySignals, 'What to tell them.') },
    problems: ['not_found'],
  },
  'POST /auth/passkeys/options': {
    tag: 'My account',
    id: 'beginPasskey',
    summary: 'Get a challenge to add a passkey',
    about: `Needs a fresh sign-in with the strongest factor of the account. ${OFFERED}`,
    caller: 'user',
    body: PasskeyOptionsRequest,
    answers: { 200: json(PasskeyOptionsAnswer, 'What `navigator.credentials.create()` takes.', ['Set-Cookie']) },
    problems: ['not_found', 'reauthentication_required'],
  },
  'POST /auth/passkeys': {
    tag: 'My account',
    id: 'addPasskey',
    summary: 'Add a passkey',
    about: 'Answers the challenge. Needs a fresh sign-in with the strongest factor of the account.',
    caller: 'user',
    body: AddPasskeyRequest,
    answers: { 200: json(WirePasskey, 'Added.', ['Set-Cookie']) },
    problems: [
      'account_disabled',
      'limit_reached',
      'login_expired',
      'not_found',
      'passkey_refused',
      'passkey_registered',
      'reauthentication_required',
      'user_verification_required',
    ],
  },
  'PATCH /auth/passkeys/:id': {
    tag: 'My account',
    id: 'renamePasskey',
    summary: 'Rename a passkey',
    caller: 'user',
    path: ID,
    body: RenamePasskeyRequest,
    answers: { 200: json(WirePasskey, 'Renamed.') },
  },
  'DELETE /auth/passkeys/:id': {
    tag: 'My account',
    id: 'removePasskey',
    summary: 'Remove a passkey',
    about: 'Needs a fresh sign-in with the strongest factor of the account.',
    caller: 'user',
    path: ID,
    answers: { 200: json(EmptyAnswer, 'Removed.') },
    problems: ['account_disabled', 'reauthentication_required'],
  },
} satisfies Calls
