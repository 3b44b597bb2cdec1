import type { Visitor } from '../client.ts'
import { type Person, setUp, signUp, somebody } from '../people.ts'
import type { Server } from '../server.ts'
import { LoggedBrowser } from './browser.ts'

/** The server hashes three passwords at once, and counts attempts under way as failed: more at once would be slowed. */
const LANES = 3

export interface Crowd {
  admin: Visitor
  browsers: LoggedBrowser[]
}

/** Sets a fresh server up and signs in `count` browsers, of a few people. */
export async function gather(server: Server, count: number, people = 5): Promise<Crowd> {
  const { browser: admin } = await setUp(server.origin)
  const persons: Person[] = []
  for (let i = 0; i < Math.min(count, people); i++) persons.push((await signUp(admin, somebody(`Person ${i}`))).person)
  const browsers = Array.from(
    { length: count },
    (_, at) => new LoggedBrowser(server.origin, persons[at % persons.length] ?? somebody()),
  )
  await inLanes(LANES, browsers, browser => browser.signIn())
  return { admin, browsers }
}

/** Works through a list, a few at once. */
export async function inLanes<T>(lanes: number, list: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const queue = [...list]
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next)
    }),
  )
}

export function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size))
}
