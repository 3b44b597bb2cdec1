import type { ProblemBody } from '../contract/problem-codes.ts'
import type { TestPerson, TestSession } from './types.ts'

/** What can post JSON to the site under test, in a browser's session. */
export interface PostingBrowser {
  origin: string
  post(path: string, headers: Record<string, string>, body?: object): Promise<{ status: number; text: string }>
}

const PATH = '/auth/test/sign-in'
const VARIABLE = 'PORCHLIGHT_TEST_SIGN_IN'

/** @throws Error if there is none */
export function secretOr(given: string | undefined): string {
  const secret = given ?? process.env[VARIABLE]
  if (secret !== undefined && secret !== '') return secret
  throw new Error(`${VARIABLE} is not set: give this process and the server the same one, or use testEnvironment()`)
}

/** @throws Error that says what to change, without the secret */
export async function requestSignIn(
  { origin, post }: PostingBrowser,
  person: TestPerson,
  secret: string,
): Promise<TestSession> {
  const { status, text } = await post(PATH, { authorization: `Bearer ${secret}` }, person)
  const answer = parsed(text) as Partial<TestSession & ProblemBody>
  if (status === 200 && answer.user && answer.session) return { user: answer.user, session: answer.session }
  throw new Error(`cannot sign in to ${origin} as ${person.email}: ${reason(status, answer)}`)
}

function reason(status: number, { code, title, detail, fields }: Partial<ProblemBody>): string {
  if (status === 404) return `test sign-in is off there. Start it with ${VARIABLE} and NODE_ENV=test`
  if (code === 'invalid_credentials') return `it was started with another ${VARIABLE}`
  const wrong = Object.entries(fields ?? {}).map(([name, sentence]) => `${name}: ${sentence}`)
  return [title ?? `it answered ${status} and is perhaps another site`, detail, ...wrong]
    .filter(part => part !== undefined)
    .join('. ')
}

function parsed(text: string): object {
  try {
    return Object(JSON.parse(text)) as object
  } catch {
    return {}
  }
}
