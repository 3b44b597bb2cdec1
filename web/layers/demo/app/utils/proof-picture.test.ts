import { expect, test } from 'vitest'
import type { AskedEvent, ProofEvent } from '../../../../../server/contract/demo/wire-proof.ts'
import { pictureOf } from './proof-picture.ts'
import { stepsOf } from './proof-steps.ts'

const asked = (at: number, until: number, more: Partial<AskedEvent> = {}): AskedEvent => ({
  kind: 'asked',
  at,
  until,
  who: 'owner',
  shown: 1,
  answer: 'again',
  given: 2,
  reason: null,
  ...more,
})
const STORM: ProofEvent[] = [
  { kind: 'signed_in', at: 0, generation: 1 },
  { kind: 'waited', at: 0, until: 4000, why: 'expiry' },
  ...Array.from({ length: 100 }, (_, n) => asked(4000 + (n % 3), 4050 + n, n === 0 ? { answer: 'renewed' } : {})),
  { kind: 'row', at: 4200, generation: 2, ended: null },
  asked(4201, 4205, { shown: 2, answer: 'served', given: null }),
]
const THEFT: ProofEvent[] = [
  { kind: 'signed_in', at: 0, generation: 1 },
  { kind: 'copied', at: 1, generation: 1 },
  asked(4000, 4010, { answer: 'renewed' }),
  asked(4010, 4015, { who: 'thief', answer: 'out', given: null, reason: 'refresh_reuse' }),
  { kind: 'row', at: 4016, generation: 2, ended: 'refresh_reuse' },
]

test('requests that were under way together are one step, and what came before or after is not part of it', () => {
  expect(stepsOf(STORM).map(step => (step.kind === 'asked' ? step.asked.length : step.kind))).toEqual([
    'signed_in',
    'waited',
    100,
    'row',
    1,
  ])
  expect(stepsOf(THEFT).map(step => step.kind)).toEqual(['signed_in', 'copied', 'asked', 'asked', 'row'])
})

test('every request is drawn there and back, and the one that renewed last, over the others', () => {
  const lines = pictureOf(stepsOf(STORM)).shapes.filter(shape => shape.kind === 'line' && !shape.head)
  expect(lines).toHaveLength(200)
  expect(lines.slice(-2).map(line => (line.kind === 'line' ? line.tone : ''))).toEqual(['new', 'new'])
})

test('nothing is drawn outside of the picture, and the thief has a place only in a theft', () => {
  for (const events of [STORM, THEFT]) {
    const { width, height, lanes, shapes } = pictureOf(stepsOf(events))
    expect(lanes.some(({ who }) => who === 'thief')).toBe(events === THEFT)
    for (const shape of shapes) {
      const [xs, ys] =
        shape.kind === 'line'
          ? [
              [shape.x1, shape.x2],
              [shape.y1, shape.y2],
            ]
          : shape.kind === 'gap'
            ? [[0], [shape.y1, shape.y2]]
            : [[shape.x], [shape.y]]
      for (const x of xs) expect(x >= 0 && x <= width).toBe(true)
      for (const y of ys) expect(y >= 0 && y <= height).toBe(true)
    }
  }
})

test('whoever is shut out is drawn as bad, and the end of the session too', () => {
  const { shapes } = pictureOf(stepsOf(THEFT))
  expect(
    shapes.filter(shape => shape.kind === 'label' && shape.label.say === 'out' && shape.tone === 'bad'),
  ).toHaveLength(1)
  expect(shapes.filter(shape => shape.kind === 'box' && shape.tone === 'bad')).toHaveLength(1)
})
