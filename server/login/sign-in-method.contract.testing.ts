import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Problem } from '../base/problem.ts'
import { contextFrom, pendingJar, posted, returned } from './sign-in-method.testing.ts'
import type { Proof, ReauthenticationContext, SignInInput, SignInMethod, SignInStep } from './sign-in-method.ts'

/** Ada and Bob have accounts that the method opens; `nobody` presents a proof that opens none. */
export type Who = 'ada' | 'bob' | 'nobody'

/** A method with its dependencies, and users to test it. */
export interface MethodBench {
  method: SignInMethod
  ids: { ada: string; bob: string }
  /** What the user sends first (`step: null`), or in response to a step; `confirming`: they are signed in as Ada. */
  answer(who: Who, step: SignInStep | null, confirming: boolean): SignInInput
  disableAda(): Promise<void>
  /** The outcomes that `sign_ins_total` was counted with. */
  outcomes: readonly string[]
  /** For users who come with tokens: how many were issued, and how many were revoked. */
  tokens(): { issued: number; revoked: number }
  close(): Promise<void>
}

const SESSION = { publicId: 'session-of-ada', authTime: 1_800_000_000_000, absoluteEndsAt: 1_900_000_000_000 }
/** A method with more steps needs tests of its own. */
const MOST_STEPS = 5
const GARBAGE: unknown[] = [null, 7, 'text', { surprise: 1 }, { email: ['ada'], password: {} }, { constructor: 1 }]

/**
 * What every sign-in method guarantees.
 * @param open creates a new bench for each test
 */
export function signInMethodContract(name: string, open: () => Promise<MethodBench>): void {
  let bench: MethodBench
  let session: ReauthenticationContext['session']
  beforeEach(async () => {
    bench = await open()
    session = { ...SESSION, userId: bench.ids.ada }
  })
  afterEach(() => bench.close())

  /** Goes through all steps, as a browser does. */
  async function walk(who: Who, confirming = false): Promise<Proof> {
    const { keep, ...pending } = pendingJar()
    const context = contextFrom({ pending })
    let step: SignInStep | null = null
    for (let taken = 0; taken < MOST_STEPS; taken++) {
      const input = bench.answer(who, step, confirming)
      step = await (confirming
        ? bench.method.reauthenticate(input, { ...context, session })
        : bench.method.authenticate(input, context))
      if (step.next === 'session') return step.proof
      expect(step.pending.id).toMatch(/^[a-z0-9]{9}-[\w-]{16}$/)
      expect(step.pending.sealed).toMatch(/^[\w.-]+$/)
      keep(step.pending)
    }
    throw new Error(`no proof after ${MOST_STEPS} steps`)
  }

  function nothingKept(): void {
    const { issued, revoked } = bench.tokens()
    expect(revoked, 'nobody would ever sign out what was granted').toBe(issued)
  }

  async function refusal(work: Promise<unknown>): Promise<Problem> {
    const error: unknown = await work.then(
      () => new Error('nobody was refused'),
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(Problem)
    expect((error as Problem).status, 'a refusal is no failure of the server').toBeLessThan(500)
    return error as Problem
  }

  describe(`the sign-in method ${name}`, () => {
    test('has an id that fits into a URL, and describes itself in plain data', () => {
      const { id, describe: describeMethod } = bench.method
      expect(id).toMatch(/^[a-z][a-z0-9-]{0,31}$/)
      const description = describeMethod()
      expect(JSON.parse(JSON.stringify(description))).toEqual(description)
    })

    test('proves whose account it is and how, and is counted once', async () => {
      const proof = await walk('ada')
      expect(proof.account.id).toBe(bench.ids.ada)
      expect(proof.amr.length).toBeGreaterThan(0)
      expect((await walk('bob')).account.id).toBe(bench.ids.bob)
      expect(bench.outcomes).toEqual(['signed_in', 'signed_in'])
    })

    test('refuses a wrong proof with a problem, counts it once and leaves no grant behind', async () => {
      const { code } = await refusal(walk('nobody'))
      expect(bench.outcomes).toEqual([code])
      await refusal(walk('nobody', true))
      nothingKept()
    })

    test('refuses a disabled account, when signing in and when confirming', async () => {
      await bench.disableAda()
      expect((await refusal(walk('ada'))).code).toBe('account_disabled')
      expect((await refusal(walk('ada', true))).code).toBe('account_disabled')
      nothingKept()
    })

    test("ASVS 7.5.1 only confirms the session's own account, which does not count as a sign-in", async () => {
      expect((await walk('ada', true)).account.id).toBe(bench.ids.ada)
      const { issued, revoked } = bench.tokens()
      await refusal(walk('bob', true))
      const { issued: later, revoked: since } = bench.tokens()
      expect(since - revoked, 'tokens of somebody else are not kept').toBe(later - issued)
      expect(bench.outcomes).toEqual([])
    })

    test('revokes what was granted if no session results from a proof', async () => {
      const proof = await walk('ada')
      expect(bench.tokens().revoked, 'not before').toBe(0)
      proof.abandon()
      nothingKept()
    })

    test('refuses unknown fields', async () => {
      const context = contextFrom()
      for (const fields of GARBAGE) {
        const works = [
          bench.method.authenticate(posted(fields), context),
          bench.method.reauthenticate(posted(fields), { ...context, session }),
        ]
        for (const work of works) expect((await refusal(work)).code, JSON.stringify(fields)).toBe('invalid_body')
      }
    })

    test('OA-20 refuses a return from a provider that was begun for another purpose', async () => {
      const input = returned({ kind: 'link', userId: bench.ids.ada, sessionId: session.publicId })
      await refusal(bench.method.authenticate(input, contextFrom()))
      await refusal(bench.method.reauthenticate(input, { ...contextFrom(), session }))
    })
  })
}
