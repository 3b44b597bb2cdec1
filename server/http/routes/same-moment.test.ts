import { afterEach, beforeEach, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import type { SessionAnswer, SessionListAnswer } from '../../contract/wire.ts'
import { varied } from '../../../tests/support/varied.ts'
import { PASSWORD } from '../../../tests/support/installation.ts'
import { streamStage } from '../../../tests/support/stream-stage.ts'
import { OPERATOR } from '../../accounts/actor.ts'
import { rawOf } from '../../store/store.testing.ts'

// Two things in the very same moment, over real sockets.

type Stage = Awaited<ReturnType<typeof streamStage>>
type Person = Awaited<ReturnType<Stage['somebody']>>
type Browser = ReturnType<Stage['browser']>

let stage: Stage
beforeEach(async () => {
  stage = await streamStage({ requires: { roles: ['admin'] } })
})
afterEach(() => stage.close())

const confirm = (browser: Pick<Browser, 'call'>) => browser.call('POST', '/auth/reauthenticate', { password: PASSWORD })
const idOf = async (browser: Pick<Browser, 'call'>) =>
  (JSON.parse((await browser.call('GET', '/auth/session')).body) as SessionAnswer).session?.id
const living = async (browser: Pick<Browser, 'call'>) =>
  (JSON.parse((await browser.call('GET', '/auth/sessions')).body) as SessionListAnswer).sessions
const isOver = (socket: WebSocket) => socket.readyState !== socket.OPEN
const later = (ms: number) => new Promise(done => setTimeout(done, ms))

/** Opens a WebSocket and an event stream, some of them before, some in the very moment of what happens, some after. */
async function open(
  thief: Browser,
  into: { sockets: WebSocket[]; ended: Promise<unknown>[] },
  delayMs: number,
): Promise<void> {
  await later(delayMs)
  const [{ status, socket }, stream] = await Promise.all([thief.socket(), thief.stream()])
  if (status === 101) into.sockets.push(socket)
  stream.resume()
  if (stream.statusCode === 200) into.ended.push(new Promise(done => stream.once('close', done)))
}

async function expectClosed({ sockets, ended }: { sockets: WebSocket[]; ended: Promise<unknown>[] }): Promise<void> {
  await expect.poll(() => sockets.filter(socket => !isOver(socket)).length, { timeout: 5000 }).toBe(0)
  await Promise.all(ended)
}

/** A moment is met by chance: each try opens at another time. */
const TRIES = varied(15, 50)
const CHANGES: [string, (person: Person, stage: Stage) => Promise<unknown>][] = [
  ['confirms who they are', person => confirm(person)],
  ['signs out', person => person.call('POST', '/auth/logout', {})],
  [
    'is demoted',
    ({ account }, { services }) => services.people.accounts.change(account.id, { roles: ['user'] }, OPERATOR),
  ],
  [
    'is disabled',
    ({ account }, { services }) => services.people.accounts.change(account.id, { disabled: true }, OPERATOR),
  ],
]
test.each(CHANGES)(
  `no stream outlives the moment in which its person %s, whoever opens one just then (${TRIES} tries)`,
  async (_, change) => {
    await stage.somebody('root@example.org')
    const opened = { sockets: [] as WebSocket[], ended: [] as Promise<unknown>[] }
    let person = await stage.somebody()
    for (let n = 0; n < TRIES; n++) {
      if (person.account.disabledAt !== null || !person.account.roles.includes('admin') || n % 10 === 0) {
        await stage.services.people.accounts.change(person.account.id, { disabled: false, roles: ['admin'] }, OPERATOR)
        person = await stage.somebody()
      }
      const thief = person.copy()
      await Promise.all([change(person, stage), open(thief, opened, 0), open(thief, opened, n % 12)])
      await expectClosed(opened)
      opened.sockets.length = 0
      opened.ended.length = 0
      await stage.services.people.accounts.change(person.account.id, { disabled: false, roles: ['admin'] }, OPERATOR)
      if (person.jar.size === 0 || (await idOf(person)) === undefined) person = await stage.somebody()
    }
  },
  200_000,
)

test("of two confirmations at once one takes the session's place, and the other is told to ask again", async () => {
  const person = await stage.somebody()
  for (let n = 0; n < 10; n++) {
    const twin = person.copy()
    const statuses = (await Promise.all([confirm(person), confirm(twin)])).map(({ status, body }) =>
      status === 200 ? 'confirmed' : (JSON.parse(body) as { code: string }).code,
    )
    expect(statuses.toSorted()).toEqual(['confirmed', 'session_replaced'])
    expect(await living(statuses[0] === 'confirmed' ? person : twin)).toHaveLength(1)
    if (statuses[0] !== 'confirmed') for (const [name, value] of twin.jar) person.jar.set(name, value)
  }
})

const NEXT = 'an entirely new lantern'
const codeOf = (href: string | null) => decodeURIComponent(href?.split('#code=')[1] ?? '')

test('a link used in the moment in which its maker loses their power works before that or not at all (100 tries)', async () => {
  const { people, store } = stage.services
  await stage.somebody('root@example.org')
  const maker = await people.accounts.create(
    { email: 'maker@example.org', name: 'Maker', roles: ['admin', 'user'], password: PASSWORD },
    OPERATOR,
  )
  const target = await people.accounts.create(
    { email: 'target@example.org', name: 'Target', roles: ['user'], password: PASSWORD },
    OPERATOR,
  )
  const actor = { userId: maker.id, sessionId: null, client: null }
  const outcomes = new Set<string>()
  /** Closes in on the moment, which is sooner or later on each machine. */
  let waitMs = 1
  for (let n = 0; n < 50; n++) {
    const reset = codeOf((await people.resets.makeLink(target.id, actor)).href)
    const invite = codeOf((await people.registration.invite({ email: null, roles: ['admin'] }, actor)).href)
    const loss = n % 2 === 0 ? { roles: ['user' as const] } : { disabled: true }
    const from = rawOf(store).prepare('select coalesce(max(id), 0) as id from events').get() as { id: number }
    const [used, joined] = await Promise.all([
      stage.browser().call('POST', '/auth/reset', { code: reset, password: NEXT }),
      stage
        .browser()
        .call('POST', '/auth/register', { email: `new${n}@example.org`, name: 'New', password: NEXT, invite }),
      later(waitMs).then(() => people.accounts.change(maker.id, loss, OPERATOR)),
    ])
    waitMs = used.status === 200 ? waitMs * 0.8 : waitMs * 1.5
    const kinds = (
      rawOf(store).prepare('select kind from events where id > ? order by id').all(from.id) as { kind: string }[]
    ).map(({ kind }) => kind)
    const lost = kinds.findIndex(kind => kind === 'roles_changed' || kind === 'account_disabled')
    for (const [{ status, body }, kind] of [
      [used, 'password_reset'],
      [joined, 'account_created'],
    ] as const) {
      outcomes.add(String(status))
      if (status !== 200) expect(body).toContain('"invalid_code"')
      expect(kinds.slice(0, lost).includes(kind), kinds.join()).toBe(status === 200)
      expect(kinds.slice(lost)).not.toContain(kind)
    }
    await people.accounts.change(maker.id, { roles: ['admin'], disabled: false }, OPERATOR)
    // All these strangers come from one network, which would be slowed.
    rawOf(store).prepare('delete from throttles').run()
  }
  expect([...outcomes].toSorted(), 'both ways it went').toEqual(['200', '400'])
}, 60_000)

test('who was put out in that moment puts out nobody: no session of others, no invitation, no session of the owner', async () => {
  const { people, sessions } = stage.services
  const [owner, thief] = [await stage.somebody(), await stage.somebody()]
  const [ownId, thiefId] = [await idOf(owner), await idOf(thief)]
  const invite = await people.registration.invite({ email: null, roles: ['user'] }, OPERATOR)
  const actor = { userId: thief.account.id, sessionId: thiefId ?? '', client: null }
  const outcome = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: { code?: string }) => error.code,
    )
  // Both requests have been let in; the owner's is the first to be written.
  const [first, ...late] = await Promise.all([
    outcome(sessions.endAll(owner.account.id, { reason: 'signed_out_elsewhere', except: ownId ?? '', byUserId: null })),
    outcome(
      sessions.endAll(owner.account.id, { reason: 'signed_out_elsewhere', except: thiefId ?? '', byUserId: null }),
    ),
    outcome(
      sessions.end(ownId ?? '', {
        reason: 'signed_out_elsewhere',
        userId: owner.account.id,
        byUserId: null,
        from: thiefId ?? '',
      }),
    ),
    outcome(people.registration.revoke(invite.invite.id, actor)),
  ])
  expect([first, ...late]).toEqual(['done', 'not_signed_in', 'not_signed_in', 'not_signed_in'])
  expect(await idOf(owner)).toBe(ownId)

  const root = await stage.somebody('root@example.org')
  await people.accounts.change(owner.account.id, { roles: ['user'] }, OPERATOR)
  expect(
    await outcome(sessions.endAll(root.account.id, { reason: 'admin', except: null, byUserId: owner.account.id })),
  ).toBe('forbidden')
  expect(await outcome(people.registration.revoke(invite.invite.id, { ...actor, sessionId: ownId ?? '' }))).toBe(
    'forbidden',
  )
  expect(await idOf(root)).toBeDefined()
})
