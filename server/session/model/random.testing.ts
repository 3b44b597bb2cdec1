import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  ACCESS,
  type Flight,
  generationOf,
  type Jar,
  LATE,
  LEAD,
  PAGE,
  POLL,
  SETTLE,
  UPGRADE,
  type World,
} from './world.testing.ts'

/** What may go wrong in a run. Delays are in seconds and within what the rules tolerate. */
export interface Profile {
  name: string
  tabs: number
  requestDelay: number
  /** From the server receiving the request until the browser stores the response. */
  answerDelay: number
  /** How long the headers may be delayed by the server. */
  held: number
  /** How much a browser crash may lose, in seconds; null: browsers do not crash. */
  browserLoses: number | null
  serverCrashes: boolean
  /** The browser may store only one of the two cookies. */
  partial: boolean
  /** The browser never stores the access cookie. */
  dropsAccess: boolean
  storeFails: boolean
}

const calm: Profile = {
  name: '',
  tabs: 3,
  requestDelay: 0,
  answerDelay: 0,
  held: 0,
  browserLoses: null,
  serverCrashes: false,
  partial: false,
  dropsAccess: false,
  storeFails: false,
}
const WIRE = ACCESS - LEAD - LATE

export const PROFILES: Profile[] = [
  { ...calm, name: 'N1 lost responses, server crashes, three tabs', serverCrashes: true },
  { ...calm, name: 'N2 late requests', requestDelay: LATE },
  { ...calm, name: 'N3 headers held over rotations', held: 4 * ACCESS },
  { ...calm, name: 'N4 slow responses', answerDelay: LATE },
  { ...calm, name: 'N5 browser crashes', browserLoses: SETTLE / 2, requestDelay: SETTLE / 3, tabs: 2 },
  { ...calm, name: 'N6 partial storage', partial: true },
  { ...calm, name: 'N7 the access cookie is never stored, late requests', dropsAccess: true, requestDelay: LATE },
  {
    ...calm,
    name: 'N10 late requests, held and late responses, server crashes',
    requestDelay: LATE,
    held: WIRE - 1,
    answerDelay: WIRE - 1,
    serverCrashes: true,
    tabs: 4,
  },
  {
    ...calm,
    name: 'N12 partial storage, late requests, server crashes',
    requestDelay: SETTLE,
    partial: true,
    serverCrashes: true,
  },
  { ...calm, name: 'a store that fails now and then', storeFails: true, requestDelay: SETTLE, serverCrashes: true },
]

type Action =
  | { do: 'send'; traits: 'page' | 'poll' | 'upgrade' }
  | { do: 'take' | 'leave' | 'deliver' | 'lose'; which: number }
  | { do: 'visit' }
  | { do: 'take all' }
  | { do: 'tick' }
  | { do: 'pass'; seconds: number }
  | { do: 'server crash' }
  | { do: 'browser crash' }
  | { do: 'drain' }
  | { do: 'store fails'; on: boolean }
  | { do: 'deliver part'; which: number; part: 'access' | 'refresh' }

const which = fc.nat({ max: 7 })
const SECONDS = [1, 5, 20, SETTLE - 1, SETTLE + 1, 300, LATE - 1, LATE + 1, ACCESS - LEAD, ACCESS - 1, ACCESS + 1, 2000]

export const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('send' as const),
        traits: fc.constantFrom('page' as const, 'page' as const, 'page' as const, 'poll' as const, 'upgrade' as const),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constantFrom('take' as const, 'leave' as const, 'deliver' as const), which }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('visit' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.constantFrom(...SECONDS) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), which }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('deliver part' as const),
        which,
        part: fc.constantFrom('access' as const, 'refresh' as const),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Action>(
        { do: 'take all' },
        { do: 'tick' },
        { do: 'server crash' },
        { do: 'browser crash' },
        { do: 'drain' },
        { do: 'store fails', on: true },
        { do: 'store fails', on: false },
      ),
    },
  ),
  { minLength: 10, maxLength: 45 },
)

const TRAITS = { page: PAGE, poll: POLL, upgrade: UPGRADE }

/**
 * Executes a list of actions, asserting after each that the honest client is served, there is one token chain, and the
 * cookie jar never goes back.
 */
export async function play(world: World, profile: Profile, list: readonly Action[]): Promise<void> {
  await world.signIn({ remember: true })
  world.pass(ACCESS + 1)
  let flights: Flight[] = []
  let disk: { jar: Jar; at: number } = { jar: { ...world.jar }, at: world.now() }
  let newestInJar = 1

  const waiting = () => flights.filter(flight => flight.takenAt === null)
  const held = () => flights.filter(flight => flight.takenAt !== null && flight.cookies === null)
  const onWire = () => flights.filter(flight => flight.cookies !== null)
  const pick = (from: Flight[], index: number) => (from.length === 0 ? null : (from[index % from.length] ?? null))
  const drop = (flight: Flight) => {
    flights = flights.filter(other => other !== flight)
  }

  async function take(flight: Flight): Promise<void> {
    try {
      const resolution = await world.take(flight)
      assert.equal(resolution.state, 'live', `an honest client was not served: ${world.row().endReason}`)
    } catch (error) {
      if (!world.failing.on || (error as { code?: string }).code !== 'store_unavailable') throw error
      drop(flight)
    }
    assert.equal(world.row().endedAt, null, `the session was ended: ${world.row().endReason}`)
    for (const tokens of world.sent.values()) assert.equal(tokens.size, 1, 'two texts for one generation: two chains')
  }

  function store(flight: Flight, keep: { access: boolean; refresh: boolean }): void {
    const before = { ...world.jar }
    world.deliver(flight, { ...keep, access: keep.access && !profile.dropsAccess })
    drop(flight)
    if (before.refresh === world.jar.refresh && before.access === world.jar.access) return
    const generation = generationOf(world.jar.refresh ?? '')
    if (profile.answerDelay === 0 && profile.browserLoses === null)
      assert.ok(generation >= newestInJar, 'the jar went back')
    newestInJar = Math.max(newestInJar, generation)
    if (profile.browserLoses === null || world.now() - disk.at > profile.browserLoses)
      disk = { jar: before, at: world.now() }
  }

  /** How far time may advance before a request in flight would be later than the profile allows. */
  function headroom(): number {
    const ends = flights.map(flight => {
      if (flight.takenAt === null) return flight.sentAt + profile.requestDelay
      return flight.takenAt + (flight.cookies === null ? profile.held : profile.answerDelay)
    })
    return Math.max(0, Math.min(Infinity, ...ends.map(end => end - world.now())))
  }

  async function settleOverdue(): Promise<void> {
    for (const flight of [...flights]) {
      if (flight.takenAt === null && world.now() >= flight.sentAt + profile.requestDelay) await take(flight)
      if (
        flight.takenAt !== null &&
        flight.cookies === null &&
        flights.includes(flight) &&
        world.now() >= flight.takenAt + profile.held
      )
        world.leave(flight)
      if (flight.cookies !== null && world.now() >= (flight.takenAt ?? 0) + profile.answerDelay)
        store(flight, { access: true, refresh: true })
    }
  }

  for (const action of list) {
    switch (action.do) {
      case 'send':
        if (flights.length < profile.tabs) flights.push(world.send(TRAITS[action.traits]))
        break
      case 'take': {
        const flight = pick(waiting(), action.which)
        if (flight !== null) await take(flight)
        break
      }
      case 'take all':
        await Promise.all(waiting().map(take))
        break
      case 'leave': {
        const flight = pick(held(), action.which)
        if (flight !== null) world.leave(flight)
        break
      }
      case 'deliver': {
        const flight = pick(onWire(), action.which)
        if (flight !== null) store(flight, { access: true, refresh: true })
        break
      }
      case 'deliver part': {
        const flight = pick(onWire(), action.which)
        if (flight !== null && profile.partial)
          store(flight, { access: action.part === 'access', refresh: action.part === 'refresh' })
        break
      }
      case 'lose': {
        const flight = pick(flights, action.which)
        if (flight !== null) drop(flight)
        break
      }
      case 'visit': {
        const flight = world.send()
        flights.push(flight)
        await take(flight)
        if (!flights.includes(flight)) break
        world.leave(flight)
        store(flight, { access: true, refresh: true })
        break
      }
      case 'tick':
        await world.tick()
        break
      case 'pass':
        for (let left = action.seconds; left > 0;) {
          await settleOverdue()
          const step = Math.min(left, Math.max(1, headroom()))
          world.pass(step)
          left -= step
        }
        await settleOverdue()
        break
      case 'server crash':
        if (!profile.serverCrashes) break
        for (const flight of held()) drop(flight)
        world.crash()
        break
      case 'drain':
        if (profile.serverCrashes && !world.failing.on) await world.drain()
        break
      case 'browser crash':
        if (profile.browserLoses === null) break
        if (world.now() - disk.at <= profile.browserLoses) Object.assign(world.jar, disk.jar)
        for (const flight of flights) flight.orphan = true
        break
      case 'store fails':
        if (profile.storeFails) world.failing.on = action.on
        break
      default:
        action satisfies never
    }
  }
  world.failing.on = false
  await theOldestTokenEnds(world)
}

/** At the end of an honest history, presents a token two generations old, which must never be accepted. */
async function theOldestTokenEnds(world: World): Promise<void> {
  const newest = world.row().generation
  const spent = [...world.sent.keys()].filter(generation => generation < newest - 1)
  if (spent.length === 0) return
  const resolution = await world.visit(PAGE, { access: null, refresh: world.token(Math.min(...spent)) })
  assert.equal(resolution.state, 'anonymous')
  assert.equal(world.row().endReason, 'refresh_reuse')
  assert.equal(world.ends().length, 1)
}
