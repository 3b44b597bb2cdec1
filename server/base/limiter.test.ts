import { expect, test } from 'vitest'
import { createLimiter, type Limiter } from './limiter.ts'

const busy = { code: 'busy', extras: { retryAfter: 1 } }

/** Work that runs until it is released. */
function bench(limiter: Limiter) {
  const started: string[] = []
  const running = new Map<string, (() => void)[]>()
  const outcomes = new Map<string, string>()
  const turn = () => new Promise(resolve => setImmediate(resolve))
  return {
    started,
    outcomes,
    turn,
    async ask(key: string, name = key) {
      limiter
        .run(key, () => {
          started.push(name)
          return new Promise<void>(done => running.set(key, [...(running.get(key) ?? []), done]))
        })
        .then(
          () => outcomes.set(name, 'done'),
          (error: unknown) => outcomes.set(name, (error as { code: string }).code),
        )
      await turn()
    },
    async end(key: string) {
      running.get(key)?.shift()?.()
      await turn()
    },
  }
}

test('a key never exceeds its share, and the capacity it cannot use is available to others at once', async () => {
  const at = bench(createLimiter({ atOnce: 4, waiting: 10, each: { atOnce: 2, waiting: 5 } }))
  for (const name of ['a1', 'a2', 'a3', 'a4']) await at.ask('a', name)
  expect(at.started).toEqual(['a1', 'a2'])
  await at.ask('b', 'b1')
  expect(at.started).toEqual(['a1', 'a2', 'b1'])
  await at.end('a')
  expect(at.started.at(-1)).toBe('a3')
})

test('keys take turns, however many calls of one key are queued', async () => {
  const at = bench(createLimiter({ atOnce: 1, waiting: 20, each: { atOnce: 1, waiting: 10 } }))
  for (let n = 1; n <= 6; n++) await at.ask('flood', `flood${n}`)
  await at.ask('ann')
  await at.ask('bob')
  const order: string[] = []
  for (let n = 0; n < 6; n++) {
    const last = at.started.at(-1) ?? ''
    order.push(last)
    await at.end(last.replace(/\d$/, ''))
  }
  expect(order.slice(0, 5)).toEqual(['flood1', 'flood2', 'ann', 'bob', 'flood3'])
})

test('when the queue is full, the newest call of the longest queue makes room for a key with fewer, and for no other', async () => {
  const at = bench(createLimiter({ atOnce: 1, waiting: 4, each: { atOnce: 1, waiting: 4 } }))
  for (let n = 0; n <= 4; n++) await at.ask('flood', `flood${n}`)
  await at.ask('flood', 'flood5')
  expect([...at.outcomes]).toEqual([['flood5', 'busy']])
  await at.ask('ann')
  expect(at.outcomes.get('flood4')).toBe('busy')
  await at.ask('bob')
  expect(at.outcomes.get('flood3')).toBe('busy')
  // Two of the flood, ann and bob: no key has more in the queue than a new key would leave it.
  await at.ask('carl')
  expect(at.outcomes.get('flood2')).toBe('busy')
  await at.ask('dora')
  expect(at.outcomes.get('dora')).toBe('busy')
  for (const key of ['flood', 'flood', 'ann', 'bob', 'carl']) await at.end(key)
  expect(['ann', 'bob', 'carl'].map(name => at.outcomes.get(name))).toEqual(['done', 'done', 'done'])
})

test('the queue of a key is bounded even when the whole has room', async () => {
  const at = bench(createLimiter({ atOnce: 9, waiting: 9, each: { atOnce: 1, waiting: 2 } }))
  for (let n = 0; n < 4; n++) await at.ask('a', `a${n}`)
  expect([...at.outcomes]).toEqual([['a3', 'busy']])
})

test('work that rejects or throws synchronously releases its slot', async () => {
  const limiter = createLimiter({ atOnce: 1, waiting: 0, each: { atOnce: 1, waiting: 0 } })
  await expect(limiter.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await expect(
    limiter.run('a', () => {
      throw new Error('at once')
    }),
  ).rejects.toThrow('at once')
  const last = limiter.run('a', async () => 'next')
  await expect(limiter.run('b', async () => 'too many')).rejects.toMatchObject(busy)
  expect(await last).toBe('next')
})

test('for any mix of keys, the limits are never exceeded and all admitted work finishes', async () => {
  const limits = { atOnce: 5, waiting: 40, each: { atOnce: 2, waiting: 20 } }
  const limiter = createLimiter(limits)
  const now = { all: 0, of: new Map<string, number>() }
  const most = { all: 0, one: 0 }
  const add = (key: string, by: number) => {
    now.all += by
    now.of.set(key, (now.of.get(key) ?? 0) + by)
    most.all = Math.max(most.all, now.all)
    most.one = Math.max(most.one, ...now.of.values())
  }
  const all = await Promise.allSettled(
    Array.from({ length: 300 }, async (_, n) => {
      await new Promise(resolve => setTimeout(resolve, n % 17))
      const key = `k${n % 7 === 0 ? n % 4 : 0}`
      return limiter.run(key, async () => {
        add(key, 1)
        await new Promise(resolve => setTimeout(resolve, n % 3))
        add(key, -1)
      })
    }),
  )
  expect(most).toEqual({ all: limits.atOnce, one: limits.each.atOnce })
  expect(all.filter(one => one.status === 'fulfilled').length).toBeGreaterThan(40)
  expect(
    all
      .filter(one => one.status === 'rejected')
      .map(one => (one.reason as { code: string }).code)
      .filter(code => code !== 'busy'),
  ).toEqual([])
  expect(now.all).toBe(0)
})
