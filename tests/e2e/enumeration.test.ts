import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../support/client.ts'
import { type Person, setUp, signUp } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'

// That both take as long is proved where it is decided: each writes one row
// (server/accounts/credential-throttle.test.ts).
const ACCOUNTS = 8
let server: Server
let people: Person[]
beforeAll(async () => {
  server = await startServer()
  const { browser } = await setUp(server.origin)
  people = []
  for (let n = 0; n < ACCOUNTS; n++) people.push((await signUp(browser)).person)
})
afterAll(() => stopAll())

async function attempt(email: string) {
  const browser = new Visitor(server.origin)
  const { status, text, headers } = await browser.post('/auth/login', { email, password: 'not the right one at all' })
  browser.close()
  const { requestId: _, ...body } = JSON.parse(text) as Record<string, unknown>
  const names = Object.keys(headers).toSorted()
  return { status, body: { ...body, instance: null }, names, length: text.length }
}

describe('ASVS 6.3.8 a sign-in with an address that has an account', () => {
  test('is answered like one that has none, to the name of each header and the length', async () => {
    for (const [n, { email }] of people.entries()) {
      // The same length, and by turns, first one and then the other.
      const stranger = `x${email.slice(1)}`
      const [first, second] = n % 2 === 0 ? [email, stranger] : [stranger, email]
      expect(await attempt(second)).toEqual(await attempt(first))
    }
  }, 60_000)
})
