import * as v from 'valibot'
import { beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { PROOF_SCENARIOS, ProofRun, type ProofScenario } from '../../contract/demo/wire-proof.ts'
import { createProof } from './proof.ts'

const proof = createProof({ clock: systemClock })
const listeners = () => process.getActiveResourcesInfo().filter(kind => kind === 'TCPServerWrap').length
const before = listeners()
const runs = new Map<ProofScenario, ProofRun>()

// At once, each by another account, because most of a run is waiting.
beforeAll(async () => {
  await Promise.all(PROOF_SCENARIOS.map(async scenario => runs.set(scenario, await proof.run(scenario, scenario))))
}, 60_000)

const run = (scenario: ProofScenario) => runs.get(scenario) as ProofRun
const asked = (scenario: ProofScenario) => run(scenario).events.filter(event => event.kind === 'asked')

test.each(PROOF_SCENARIOS)('%s passes with the real rules, and its result matches the contract', scenario => {
  expect(run(scenario).checks.filter(check => check.seen !== check.wanted)).toEqual([])
  expect(run(scenario).passed).toBe(true)
  expect(v.parse(ProofRun, run(scenario))).toEqual(run(scenario))
})

test('CK-13 a hundred requests at expiry all present generation 1 and get generation 2, made once', () => {
  const [storm, [after]] = [asked('storm').slice(0, 100), asked('storm').slice(100)]
  expect(storm.map(({ shown, given }) => `${shown} ${given}`)).toEqual(Array.from({ length: 100 }, () => '1 2'))
  expect(storm.filter(({ answer }) => answer === 'renewed')).toHaveLength(1)
  expect(after).toMatchObject({ shown: 2, answer: 'served' })
})

test('a response that was lost after the renewal is sent again, however late', () => {
  const [cut, ...later] = asked('lost-answer')
  expect(cut).toMatchObject({ answer: 'cut', shown: 1 })
  expect(run('lost-answer').events.find(event => event.kind === 'row')).toMatchObject({ generation: 2, ended: null })
  expect(later.map(({ shown, answer, given }) => `${shown} ${answer} ${given}`)).toEqual([
    '1 again 2',
    '1 again 2',
    '2 served null',
  ])
})

test('OA-24 a replayed copy signs out both holders, and both are told why', () => {
  expect(asked('thief').map(({ who, shown, answer, reason }) => `${who} ${shown} ${answer} ${reason}`)).toEqual([
    'owner 1 renewed null',
    'owner 2 renewed null',
    'thief 1 out refresh_reuse',
    'owner 3 out refresh_reuse',
  ])
  expect(run('thief').events.find(event => event.kind === 'row')).toMatchObject({ ended: 'refresh_reuse' })
})

test('a run leaves nothing behind: its listener is closed', async () => {
  await expect.poll(listeners).toBe(before)
})

test('a person has one run of the proof at a time', async () => {
  const first = proof.run('storm', 'ann')
  await expect(proof.run('thief', 'ann')).rejects.toMatchObject({ code: 'slow_down' })
  await first
})
