import { expect, test } from 'vitest'
import type { AccountUser } from '../accounts/account.ts'
import type { Problem } from '../base/problem.ts'
import type { LiveSession } from '../session/types.ts'
import { testUpstream, ANNA, testStreams } from './relay.testing.ts'
import type { InFlight } from './in-flight.ts'

const NOTES = testUpstream('http://127.0.0.1:9')
const AT = 1_800_000_000_000

/** Streams with a controlled clock and timer. */
function world({ upstream = {}, limits = { perSession: 50, perNetwork: 1000 } } = {}) {
  const time = { wall: AT, steady: 0 }
  const closed: string[] = []
  const known: { user: AccountUser | null; endsAt: number | null; fails: boolean } = {
    user: ANNA.user,
    endsAt: Infinity,
    fails: false,
  }
  let tick = () => {}
  const streams = testStreams({
    clock: { now: () => ({ ...time }) },
    timers: {
      every: (_ms, work) => {
        tick = work
        return () => {}
      },
    },
    endIfOver: async () => known.endsAt,
    findUser: () => {
      if (known.fails) throw new Error('the store is away')
      return known.user
    },
    limits,
  })
  const one = (name: string, whose: LiveSession | null = session(ANNA.session.publicId)): InFlight => ({
    upstream: { ...NOTES, ...upstream },
    network: '192.0.2.7',
    end: reason => closed.push(`${name} ${reason}`),
    caller: whose === null ? null : { ...ANNA, session: whose },
  })
  const begin = (stream: InFlight, isStream = true) => {
    streams.join(stream)
    if (isStream) streams.stream(stream, 'events')
    return stream
  }
  return {
    time,
    known,
    closed,
    streams,
    one,
    begin,
    async tick(ms = 0) {
      time.wall += ms
      time.steady += ms
      tick()
      await new Promise(resolve => setImmediate(resolve))
    },
  }
}
const session = (publicId: string): LiveSession => ({
  ...ANNA.session,
  publicId,
  authTime: AT,
  idleEndsAt: Infinity,
  absoluteEndsAt: Infinity,
})
const codeOf = (work: () => unknown) => {
  try {
    work()
    return null
  } catch (error) {
    return (error as Problem).code
  }
}

test('a call of a session that has ended is refused with the reason', () => {
  const { streams, one } = world()
  streams.ended('gone', 'signed_out')
  streams.ended('old', 'replaced')
  expect(codeOf(() => streams.join(one('a', session('gone'))))).toBe('not_signed_in')
  expect(codeOf(() => streams.join(one('b', session('old'))))).toBe('session_replaced')
  expect(codeOf(() => streams.join(one('c', session('another'))))).toBeNull()
})

test('a session that ended unnoticed while its stream was connecting is detected at the next check', async () => {
  const { known, closed, one, begin, tick } = world()
  begin(one('a'))
  known.endsAt = null
  await tick()
  expect(closed).toEqual(['a idle'])
})

test('on shutdown all streams are closed, anonymous ones too, no new ones are accepted, and calls continue', () => {
  const { streams, closed, one, begin } = world()
  begin(one('a'))
  begin(one('b', null))
  begin(one('call'), false)
  streams.close()
  expect(codeOf(() => begin(one('c')))).toBe('draining')
  expect(closed.sort()).toEqual(['a going_away', 'b going_away'])
})

test("a stream lives exactly as long as its upstream's limit, anonymous or not and whatever the wall clock does", async () => {
  const { time, closed, one, begin, tick } = world({ upstream: { streamMaxMs: 60_000 } })
  begin(one('a'))
  begin(one('b', null))
  begin(one('call'), false)
  time.wall -= 3_600_000
  await tick(59_000)
  expect(closed).toEqual([])
  await tick(1000)
  expect(closed.sort()).toEqual(['a stream_expired', 'b stream_expired'])
})

test("when the maximum authentication age for one upstream is exceeded, other upstreams' streams continue", async () => {
  const { closed, one, begin, tick } = world({ upstream: { streamMaxMs: Infinity } })
  const strict = one('strict')
  begin({
    ...strict,
    upstream: { ...strict.upstream, requires: { signedIn: true, roles: [], maxAgeMs: 10_000, acr: null } },
  })
  begin(one('other'))
  await tick(10_000)
  expect(closed).toEqual([])
  await tick(1)
  expect(closed).toEqual(['strict insufficient_user_authentication'])
})

test('an account changed between the check of a call and its start is checked again within a second', async () => {
  const { known, closed, one, begin, tick } = world({
    upstream: { requires: { signedIn: true, roles: ['user'], maxAgeMs: null, acr: null } },
  })
  begin(one('call'), false)
  known.user = { ...ANNA.user, roles: ['admin'] }
  await tick()
  expect(closed).toEqual(['call forbidden'])
})

test('after a store failure, the check is retried until it succeeds', async () => {
  const { known, closed, streams, one, begin, tick } = world()
  begin(one('a'))
  await tick()
  known.user = null
  known.fails = true
  streams.accountChanged(ANNA.session.userId)
  await tick()
  expect(closed).toEqual([])
  known.fails = false
  await tick()
  expect(closed).toEqual(['a disabled'])
})

test("a grant that ended closes streams with that provider's token, and nothing else", () => {
  const { streams, closed, one, begin } = world()
  const taking = one('taking')
  begin({ ...taking, upstream: { ...taking.upstream, token: 'provider', provider: 'main' } })
  begin(one('other'))
  streams.grantChanged(ANNA.session.publicId)
  expect(closed).toEqual(['taking provider_sign_in_required'])
})

test('an IPv6 network is its /64, and every slot is freed however a stream ends', async () => {
  const { streams, one, begin, closed } = world({ limits: { perSession: 2, perNetwork: 2 } })
  const from = (name: string, network: string, whose: string) => ({ ...one(name, session(whose)), network })
  begin(from('a', '2001:db8::1', 's1'))
  begin(from('b', '2001:db8::2', 's2'))
  expect(codeOf(() => begin(from('c', '2001:db8::3', 's3')))).toBe('too_many_streams')
  expect(codeOf(() => begin(from('d', '2001:db8:0:1::3', 's3')))).toBeNull()
  streams.ended('s1', 'signed_out')
  const left = begin(from('e', '2001:db8::4', 's4'))
  streams.leave(left)
  streams.leave(left)
  begin(from('f', '2001:db8::5', 's5'))
  expect(codeOf(() => begin(from('g', '2001:db8::6', 's6')))).toBe('too_many_streams')
  expect([closed, streams.count()]).toEqual([['a signed_out'], 3])
})
