import {
  CodeLoginRequest,
  ConfirmTotpRequest,
  EnrolledAnswer,
  FactorsAnswer,
  PendingAnswer,
  RecoveryCodesAnswer,
  SessionAnswer,
  TotpSetupAnswer,
} from '../wire.ts'
import { type Calls, json, seeOther } from './call.ts'
import { CODE_CHECK, FACTOR_CHANGE, OPENING } from './problem-groups.ts'

const COMPLETED = {
  200: json(SessionAnswer, 'Signed in.', ['Set-Cookie']),
  303: seeOther('A form: on to its `returnTo`, or back to `/second-factor`, which shows the problem.', ['Set-Cookie']),
}
const STRONGEST = 'Needs a recent sign-in with the strongest means that the person has.'

export const FACTOR_CALLS = {
  'GET /auth/second-factor': {
    tag: 'Session',
    id: 'readPendingSignIn',
    summary: 'Say what completes the sign-in that this browser is in the middle of',
    about: 'For ten minutes after a right password, and not after another factor was added or removed.',
    caller: 'anyone',
    answers: { 200: json(PendingAnswer, 'What can complete it, or null.') },
  },
  'POST /auth/login/totp': {
    tag: 'Session',
    id: 'signInByTotp',
    summary: 'Complete a sign-in with a code of an authenticator app',
    about: 'Each code signs in once (RFC 6238). `login_expired`: it has to start again with the first factor.',
    caller: 'anyone',
    body: CodeLoginRequest,
    form: 'also',
    answers: COMPLETED,
    problems: [...CODE_CHECK, ...OPENING],
  },
  'POST /auth/login/recovery': {
    tag: 'Session',
    id: 'signInByRecoveryCode',
    summary: 'Complete a sign-in with a recovery code',
    about: 'Each code signs in once, and its owner is told.',
    caller: 'anyone',
    body: CodeLoginRequest,
    form: 'also',
    answers: COMPLETED,
    problems: [...CODE_CHECK, ...OPENING],
  },
  'GET /auth/factors': {
    tag: 'My account',
    id: 'listFactors',
    summary: 'List my second factors',
    caller: 'user',
    answers: { 200: json(FactorsAnswer, 'Passkeys, authenticator app and recovery codes.') },
  },
  'POST /auth/totp': {
    tag: 'My account',
    id: 'beginTotp',
    summary: 'Begin to set up an authenticator app',
    about: `${STRONGEST} Changes nothing until a code confirms it; an earlier app works until then.`,
    caller: 'user',
    answers: { 200: json(TotpSetupAnswer, 'The secret, shown once.') },
    problems: FACTOR_CHANGE,
  },
  'POST /auth/totp/confirm': {
    tag: 'My account',
    id: 'confirmTotp',
    summary: 'Confirm an authenticator app with a code',
    about: `${STRONGEST} The code is used up by this. The session stays as it is: it was opened without the app.`,
    caller: 'user',
    body: ConfirmTotpRequest,
    answers: { 200: json(EnrolledAnswer, 'Set up.') },
    problems: ['not_found', 'incorrect_code', 'clock_differs', ...FACTOR_CHANGE],
  },
  'DELETE /auth/totp': {
    tag: 'My account',
    id: 'removeTotp',
    summary: 'Remove my authenticator app',
    about: `${STRONGEST} Recovery codes go with the last factor.`,
    caller: 'user',
    answers: { 200: json(FactorsAnswer, 'Removed.') },
    problems: ['not_found', ...FACTOR_CHANGE],
  },
  'POST /auth/recovery-codes': {
    tag: 'My account',
    id: 'createRecoveryCodes',
    summary: 'Make ten new recovery codes',
    about: `${STRONGEST} Earlier ones stop working. They are only shown in this answer.`,
    caller: 'user',
    answers: { 200: json(RecoveryCodesAnswer, 'The codes.') },
    problems: ['second_factor_required', 'busy', ...FACTOR_CHANGE],
  },
} satisfies Calls
