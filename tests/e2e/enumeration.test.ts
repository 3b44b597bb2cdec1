import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../support/client.ts'
import { type Person, setUp, signUp } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'

// Fewer tries at each than slow anybody down, each from a network of its own.
const ACCOUNTS = 25
const TRIES = 4
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
  const began = performance.now()
  const { status, text, headers } = await browser.post('/auth/login', { email, password: 'not the right one at all' })
  const ms = performance.now() - began
  browser.close()
  const { requestId: _, ...body } = JSON.parse(text) as Record<string, unknown>
  const names = Object.keys(headers).toSorted()
  return { ms, told: { status, body: { ...body, instance: null }, names, length: text.length } }
}

const median = (all: number[]) => all.toSorted((one, other) => one - other)[Math.floor(all.length / 2)] ?? 0

describe('ASVS 6.3.8 a sign-in with an address that has an account', () => {
  test('is answered like one that has none, to the name of each header and the length, and takes as long', async () => {
    const known: number[] = []
    const unknown: number[] = []
    for (let n = 0; n < ACCOUNTS * TRIES; n++) {
      const email = people[n % ACCOUNTS]?.email ?? ''
      // The same length, and by turns, first one and then the other.
      const stranger = `x${email.slice(1)}`
      const [first, second] = n % 2 === 0 ? [email, stranger] : [stranger, email]
      const [one, other] = [await attempt(first), await attempt(second)]
      expect(other.told).toEqual(one.told)
      known.push(n % 2 === 0 ? one.ms : other.ms)
      unknown.push(n % 2 === 0 ? other.ms : one.ms)
    }
    const ratio = median(known) / median(unknown)
    expect(ratio).toBeGreaterThan(0.9)
    expect(ratio).toBeLessThan(1.1)
  }, 60_000)
})
