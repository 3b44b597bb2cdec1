import { expect, test } from 'vitest'
import { handClock } from '../../tests/support/installation.ts'
import { measureProviders, measureUpstreams } from './measure-calls.ts'
import { createMetrics } from './metrics.ts'

const NOTES = { peer: 'notes', method: 'GET', operation: 'relay' } as const

async function linesOf(text: () => Promise<string>, name: string): Promise<string[]> {
  return (await text()).split('\n').filter(line => line.startsWith(`porchlight_${name}`))
}

test('a relayed request is counted once: by the class of its status, or by why there was none', async () => {
  const { meter, text } = createMetrics()
  const time = handClock()
  const { begin } = measureUpstreams(meter, time.clock)
  const answered = begin(NOTES)
  time.pass(30)
  answered.answered(204)
  answered.ended(null)
  const cut = begin({ ...NOTES, method: 'PATCH' })
  cut.answered(200)
  cut.ended('cut')
  begin(NOTES).ended('upstream_unreachable')
  begin(NOTES).ended(null)
  begin({ ...NOTES, operation: 'upgrade' }).answered(101)
  expect((await linesOf(text, 'upstream_requests_total')).sort()).toEqual([
    'porchlight_upstream_requests_total{upstream="notes",method="read",outcome="2xx"} 1',
    'porchlight_upstream_requests_total{upstream="notes",method="read",outcome="aborted"} 1',
    'porchlight_upstream_requests_total{upstream="notes",method="read",outcome="upstream_unreachable"} 1',
    'porchlight_upstream_requests_total{upstream="notes",method="upgrade",outcome="1xx"} 1',
    'porchlight_upstream_requests_total{upstream="notes",method="write",outcome="2xx"} 1',
  ])
  expect(await linesOf(text, 'upstream_responses_cut_total')).toEqual([
    'porchlight_upstream_responses_cut_total{upstream="notes"} 1',
  ])
  expect(await text()).toContain('porchlight_upstream_response_seconds_sum{upstream="notes"} 0.03')
})

test('a provider is up while it answers, even if it refuses, and down after a failure', async () => {
  const { meter, text } = createMetrics()
  const { begin } = measureProviders(meter, handClock().clock)
  const state = async () => [
    ...(await linesOf(text, 'provider_up')),
    ...(await linesOf(text, 'provider_consecutive_failures')),
  ]
  expect(await state()).toEqual([])
  const call = (status: number | null) => {
    const begun = begin({ peer: 'main', method: 'POST', operation: 'token' })
    if (status !== null) begun.answered(status)
    begun.ended(status === null ? 'ECONNREFUSED' : null)
  }
  const stateIs = (up: number, failures: number) => [
    `porchlight_provider_up{provider="main"} ${up}`,
    `porchlight_provider_consecutive_failures{provider="main"} ${failures}`,
  ]
  call(400)
  expect(await state()).toEqual(stateIs(1, 0))
  call(null)
  call(503)
  expect(await state()).toEqual(stateIs(0, 2))
  call(200)
  expect(await state()).toEqual(stateIs(1, 0))
  expect(await linesOf(text, 'provider_call_seconds_count')).toHaveLength(4)
})
