import type { AskedEvent } from '#contract/demo/wire-proof.ts'
import { isSignedIn, type ProofStep } from './proof-steps.ts'

/** Good: signed in · new: the token was rotated · bad: rejected or cut · plain: neither. */
export type Tone = 'plain' | 'good' | 'new' | 'bad'

export type Shape =
  | {
      kind: 'line'
      x1: number
      y1: number
      x2: number
      y2: number
      tone: Tone
      thin: boolean
      head: boolean
      dashed: boolean
    }
  | { kind: 'cross'; x: number; y: number }
  | { kind: 'gap'; y1: number; y2: number }
  | { kind: 'box'; x: number; y: number; tone: Tone; label: Label }
  | { kind: 'label'; x: number; y: number; anchor: 'start' | 'middle' | 'end'; tone: Tone; label: Label }

/** A label in the diagram; its words come from the reader's language. */
export type Label =
  | { say: 'key'; key: number }
  | { say: 'count' | 'given'; count: number; key: number | null }
  | { say: 'copy' | 'out' | 'ended' }
  | { say: 'time' | 'lasting'; ms: number }

export interface Picture {
  width: number
  height: number
  lanes: { who: 'owner' | 'server' | 'thief'; x: number }[]
  shapes: Shape[]
}

const WIDTH = 360
const TOP = 34
const TALL = 160
/** More lines than this are drawn thin. */
const FEW = 10
const SINGLE = 62
const SHORT = 44

/**
 * Draws steps as a sequence diagram, time going down. Waiting is folded: only events take up height.
 */
export function pictureOf(steps: readonly ProofStep[]): Picture {
  const theft = steps.some(step => step.kind === 'copied')
  const x = theft ? { owner: 92, server: 214, thief: 328 } : { owner: 104, server: 300, thief: 0 }
  const shapes: Shape[] = []
  let y = TOP
  for (const step of steps) {
    if (step.kind !== 'waited' && step.kind !== 'row')
      shapes.push({
        kind: 'label',
        x: 2,
        y: y + 16,
        anchor: 'start',
        tone: 'plain',
        label: { say: 'time', ms: step.at },
      })
    switch (step.kind) {
      case 'signed_in':
        shapes.push(...arrow(x.server, x.owner, y + 14, 'good', keyLabel(step.generation)))
        y += SHORT
        break
      case 'copied':
        shapes.push(
          ...arrow(
            x.owner,
            x.thief,
            y + 18,
            'bad',
            { say: 'copy' },
            { dashed: true, labelX: (x.server + x.thief) / 2 },
          ),
        )
        y += SHORT
        break
      case 'waited':
        shapes.push(
          { kind: 'gap', y1: y, y2: y + 22 },
          {
            kind: 'label',
            x: (x.owner + x.server) / 2,
            y: y + 16,
            anchor: 'middle',
            tone: 'plain',
            label: { say: 'lasting', ms: step.until - step.at },
          },
        )
        y += 36
        break
      case 'row':
        shapes.push({
          kind: 'box',
          x: x.server,
          y: y + 12,
          tone: step.ended === null ? 'plain' : 'bad',
          label: step.ended === null ? { say: 'key', key: step.generation } : { say: 'ended' },
        })
        y += SHORT
        break
      case 'asked': {
        const [only] = step.asked
        const from = x[step.who]
        if (step.asked.length > 1) {
          shapes.push(...fan(step, from, x.server, y))
          y += TALL
        } else if (only !== undefined) {
          shapes.push(...question(only, from, x.server, y))
          y += SINGLE
        }
        break
      }
      default:
        step satisfies never
    }
  }
  const lanes = (['owner', 'server', 'thief'] as const)
    .filter(who => who !== 'thief' || theft)
    .map(who => ({ who, x: x[who] }))
  return { width: WIDTH, height: y + 6, lanes, shapes }
}

function keyLabel(generation: number | null): Label | null {
  return generation === null ? null : { say: 'key', key: generation }
}

function toneOf(asked: AskedEvent): Tone {
  if (!isSignedIn(asked)) return 'bad'
  return asked.answer === 'renewed' ? 'new' : 'good'
}

function arrow(
  x1: number,
  x2: number,
  y: number,
  tone: Tone,
  label: Label | null,
  { dashed = false, labelX = (x1 + x2) / 2 } = {},
): Shape[] {
  return [
    { kind: 'line', x1, y1: y, x2, y2: y + 8, tone, thin: false, head: true, dashed },
    ...(label === null ? [] : [{ kind: 'label', x: labelX, y: y - 4, anchor: 'middle', tone, label } as const]),
  ]
}

/** One request and its response. */
function question(asked: AskedEvent, from: number, server: number, y: number): Shape[] {
  const there = arrow(from, server, y + 14, 'plain', keyLabel(asked.shown))
  const middle = (from + server) / 2
  if (asked.answer === 'cut' || asked.answer === 'failed') {
    return [
      ...there,
      {
        kind: 'line',
        x1: server,
        y1: y + 34,
        x2: middle,
        y2: y + 38,
        tone: 'bad',
        thin: false,
        head: false,
        dashed: true,
      },
      { kind: 'cross', x: middle, y: y + 38 },
    ]
  }
  const label: Label | null = asked.answer === 'out' ? { say: 'out' } : keyLabel(asked.given)
  return [...there, ...arrow(server, from, y + 40, toneOf(asked), label)]
}

/** Many requests at once: a thin line for each request and response, placed by time. */
function fan(
  { asked, at, until }: Extract<ProofStep, { kind: 'asked' }>,
  from: number,
  server: number,
  y: number,
): Shape[] {
  const top = y + 24
  const bottom = y + TALL - 34
  const height = (ms: number) => top + ((bottom - top) * (ms - at)) / Math.max(1, until - at)
  const lines = asked.flatMap((one): Shape[] => {
    const middle = (height(one.at) + height(one.until)) / 2
    const tone = toneOf(one)
    const thin = asked.length > FEW && (tone === 'good' || tone === 'plain')
    const line = { kind: 'line', head: false, dashed: false } as const
    return [
      {
        ...line,
        thin: asked.length > FEW && tone !== 'new',
        x1: from,
        y1: height(one.at),
        x2: server,
        y2: middle,
        tone: tone === 'new' ? 'new' : 'plain',
      },
      { ...line, thin, x1: server, y1: middle, x2: from, y2: height(one.until), tone },
    ]
  })
  const given = asked.map(one => one.given).filter(key => key !== null)
  const last = given.at(-1) ?? null
  // The most important lines are drawn last, on top.
  const order: Tone[] = ['plain', 'good', 'bad', 'new']
  const rank = (shape: Shape) => (shape.kind === 'line' ? order.indexOf(shape.tone) : 0)
  return [
    ...lines.sort((a, b) => rank(a) - rank(b)),
    {
      kind: 'label',
      x: (from + server) / 2,
      y: y + 16,
      anchor: 'middle',
      tone: 'plain',
      label: { say: 'count', count: asked.length, key: asked[0]?.shown ?? null },
    },
    ...(last === null
      ? []
      : [
          {
            kind: 'label',
            x: (from + server) / 2,
            y: y + TALL - 14,
            anchor: 'middle',
            tone: 'good',
            label: { say: 'given', count: given.length, key: last },
          } as const,
        ]),
  ]
}
