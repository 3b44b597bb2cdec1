import { afterEach, beforeEach, expect, test } from 'vitest'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import type { InviteAnswer } from '../../contract/wire.ts'
import { testUpstream } from '../../relay/relay.testing.ts'
import { type Browser, testRoutes } from './routes.testing.ts'

// Every form that leads on agrees about the paths below /api that it may lead to.

const ROOT = { email: 'root@example.org', name: 'Root', password: GOOD_PASSWORD }
const ANN = { email: 'ann@example.org', name: 'Ann', password: GOOD_PASSWORD }
const CASES = [
  ['/api/desk/lab?x=1', '/api/desk/lab?x=1'],
  ['/api/orders/1', '/'],
  ['//evil.example/api/desk', '/'],
] as const

let at: ReturnType<typeof testRoutes>
let admin: Browser
beforeEach(() => {
  at = testRoutes({
    upstreams: [
      testUpstream('http://127.0.0.1:9', { prefix: '/api/desk', document: true }),
      testUpstream('http://127.0.0.1:9', { prefix: '/api/orders' }),
    ],
  })
  admin = at.browser()
})
afterEach(() => at.close())

const setUp = async (fields: object = {}) => {
  const { href } = await at.people.registration.makeSetupLink()
  return admin.form('/auth/setup', { ...ROOT, code: at.codeOf(href), ...fields })
}
const led = (answer: Response) => [answer.status, answer.headers.get('location')]

test.each(CASES)('OA-1 set-up that is to return to %s leads to %s', async (returnTo, path) => {
  expect(led(await setUp({ returnTo }))).toEqual([303, path])
})

test.each(CASES)(
  'OA-1 sign-in, sign-up and confirmation that are to return to %s lead to %s',
  async (returnTo, path) => {
    await setUp()
    const { href } = (await (await admin.post('/auth/invites', {})).json()) as InviteAnswer
    const ann = at.browser()
    expect(led(await ann.form('/auth/register', { ...ANN, invite: at.codeOf(href), returnTo }))).toEqual([303, path])
    expect(led(await ann.form('/auth/reauthenticate', { password: ANN.password, returnTo }))).toEqual([303, path])
    const { email, password } = ANN
    expect(led(await at.browser().form('/auth/login', { email, password, returnTo }))).toEqual([303, path])
  },
)

test.each(CASES)('OA-1 a form that failed keeps %s for the next try as %s', async (returnTo, path) => {
  await setUp()
  const failed = await at.browser().form('/auth/login', { email: ROOT.email, password: 'x', returnTo })
  const kept = path === '/' ? '' : `&${new URLSearchParams({ returnTo: path }).toString()}`
  expect(failed.headers.get('location')).toBe(`/sign-in?problem=invalid_credentials${kept}`)
})
