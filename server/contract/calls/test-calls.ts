import { SessionAnswer, TestSignInRequest } from '../wire.ts'
import { type Calls, json } from './call.ts'
import { OPENING } from './problem-groups.ts'

export const TEST_CALLS = {
  'POST /auth/test/sign-in': {
    tag: 'Tests',
    id: 'testSignIn',
    summary: 'Sign in as anybody, from the tests of an app',
    about: 'The account is one of the tests’ own, and opens nothing once the variable is unset.',
    caller: 'tests',
    body: TestSignInRequest,
    answers: { 200: json(SessionAnswer, 'Signed in.', ['Set-Cookie']) },
    problems: ['email_taken', 'last_admin', 'not_found', ...OPENING],
  },
} satisfies Calls
