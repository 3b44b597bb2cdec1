import { expect, test, vi } from 'vitest'
import { Problem } from '../base/problem.ts'
import { createAttemptLine } from './attempt-line.ts'

/** Counts up to a maximum per key, as the throttle does; `wrong` attempts stay counted. */
function counter(most: number) {
  const line = createAttemptLine()
  const counts = new Map<string, number>()
  const judged: string[] = []
  let peak = 0
  const of = (key: string) => counts.get(key) ?? 0

  async function attempt(keys: string[], isRight: boolean): Promise<string> {
    const count = async () => {
      await Promise.resolve()
      if (keys.some(key => of(key) >= most)) throw new Problem('slow_down')
      for (const key of keys) counts.set(key, of(key) + 1)
    }
    try {
      const { judged: done } = await line.admit(keys, count)
      peak = Math.max(peak, ...keys.map(of))
      await new Promise(resolve => setTimeout(resolve, Math.random() * 3))
      if (isRight) for (const key of keys) counts.set(key, of(key) - 1)
      done()
      judged.push(isRight ? 'right' : 'wrong')
      return isRight ? 'right' : 'wrong'
    } catch (error) {
      return (error as Problem).code
    }
  }
  return { attempt, judged, peak: () => peak }
}

const many = <T>(length: number, make: (n: number) => T) => Array.from({ length }, (_, n) => make(n))
const tally = (outcomes: readonly string[]) =>
  Object.fromEntries(['right', 'wrong', 'slow_down'].map(one => [one, outcomes.filter(each => each === one).length]))

test('all right attempts succeed, however low the limit', async () => {
  const { attempt, peak } = counter(5)
  const outcomes = await Promise.all(many(80, n => attempt([`account ${n}`, 'network'], true)))
  expect(tally(outcomes)).toEqual({ right: 80, wrong: 0, slow_down: 0 })
  expect(peak()).toBe(5)
})

test('no more wrong attempts are judged than may fail, whatever right ones come in between', async () => {
  const { attempt } = counter(5)
  const outcomes = await Promise.all(many(90, n => attempt([`account ${n}`, 'network'], n % 3 === 0)))
  expect(tally(outcomes).wrong).toBe(5)
  expect(outcomes).toHaveLength(90)
})

test('an attempt that waits for one key proceeds when another of its keys has room, and none is forgotten', async () => {
  const { attempt } = counter(3)
  const outcomes = await Promise.all(many(90, n => attempt([`account ${n % 7}`, `network ${n % 4}`], true)))
  expect(tally(outcomes)).toEqual({ right: 90, wrong: 0, slow_down: 0 })
})

test('at most a hundred attempts wait for one key, and further ones are refused at once', async () => {
  const { attempt } = counter(5)
  const outcomes = await Promise.all(many(300, () => attempt(['network'], true)))
  expect(tally(outcomes)).toEqual({ right: 105, wrong: 0, slow_down: 195 })
})

test('an attempt that is never judged holds nobody up for long', async () => {
  vi.useFakeTimers()
  try {
    const line = createAttemptLine()
    await line.admit(['a'], async () => {})
    const next = line.admit(['a'], () => Promise.reject(new Problem('slow_down'))).catch((error: Problem) => error.code)
    await vi.advanceTimersByTimeAsync(14_000)
    expect(await Promise.race([next, 'waits'])).toBe('waits')
    await vi.advanceTimersByTimeAsync(2000)
    expect(await Promise.race([next, 'waits'])).toBe('slow_down')
  } finally {
    vi.useRealTimers()
  }
})

test('an attempt that is refused for its own failures waits no longer if its network never rests', async () => {
  vi.useFakeTimers()
  try {
    const line = createAttemptLine()
    let done = (await line.admit(['network'], async () => {})).judged
    const busy = setInterval(() => {
      const before = done
      void line
        .admit(['network'], async () => {})
        .then(({ judged }) => {
          done = judged
          before()
        })
    }, 1000)
    const refused = () => Promise.reject(new Problem('slow_down'))
    const next = line.admit(['account', 'network'], refused).catch((error: Problem) => error.code)
    await vi.advanceTimersByTimeAsync(16_000)
    clearInterval(busy)
    expect(await Promise.race([next, 'waits'])).toBe('slow_down')
  } finally {
    vi.useRealTimers()
  }
})

test('an error that is not a refusal causes no waiting', async () => {
  const line = createAttemptLine()
  await line.admit(['a'], async () => {})
  await expect(line.admit(['a'], () => Promise.reject(new Problem('store_unavailable')))).rejects.toMatchObject({
    code: 'store_unavailable',
  })
})
