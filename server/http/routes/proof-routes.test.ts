import { afterEach, expect, test } from 'vitest'
import type { ProofRun } from '../../contract/demo/wire-proof.ts'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import type { Proof } from '../../demo/proof/proof.ts'
import { refusal, testRoutes } from './routes.testing.ts'

const RUN: ProofRun = {
  scenario: 'storm',
  passed: true,
  tookMs: 1,
  numbers: { accessMs: 4000, confirmMs: 1000, graceMs: 2000 },
  checks: [],
  events: [],
}
const asked: string[] = []
const proof: Proof = {
  async run(scenario, userId) {
    asked.push(`${scenario} ${userId}`)
    return { ...RUN, scenario }
  },
}
let services: ReturnType<typeof testRoutes>
afterEach(() => services.close())

async function signedIn() {
  const browser = services.browser()
  const code = services.codeOf((await services.people.registration.makeSetupLink()).href)
  const answer = await browser.post('/auth/setup', {
    code,
    email: 'ann@example.org',
    name: 'Ann',
    password: GOOD_PASSWORD,
  })
  return { browser, userId: ((await answer.json()) as { user: { id: string } }).user.id }
}

test('without the sample there are no demonstrations', async () => {
  services = testRoutes()
  const { browser } = await signedIn()
  expect((await browser.get('/auth/proof')).status).toBe(404)
  expect((await browser.post('/auth/proof/storm')).status).toBe(404)
})

test('a demonstration requires a session, and runs for its account', async () => {
  services = testRoutes({ proof })
  expect(await refusal(services.browser().post('/auth/proof/storm'))).toBe('401 not_signed_in')
  const { browser, userId } = await signedIn()
  expect(await (await browser.get('/auth/proof')).json()).toEqual({ scenarios: ['storm', 'lost-answer', 'thief'] })
  expect(await (await browser.post('/auth/proof/thief')).json()).toEqual({ ...RUN, scenario: 'thief' })
  expect(asked).toEqual([`thief ${userId}`])
  expect(await refusal(browser.post('/auth/proof/unheard-of'))).toBe('404 not_found')
})
