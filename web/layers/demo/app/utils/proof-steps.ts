import type { AskedEvent, ProofEvent } from '#contract/demo/wire-proof.ts'

/** The events as they are described and drawn: concurrent requests are one step. */
export type ProofStep =
  | { kind: 'asked'; at: number; until: number; who: AskedEvent['who']; asked: AskedEvent[] }
  | Exclude<ProofEvent, AskedEvent>

/** @param events in order of their start */
export function stepsOf(events: readonly ProofEvent[]): ProofStep[] {
  const steps: ProofStep[] = []
  for (const event of events) {
    if (event.kind !== 'asked') {
      steps.push(event)
      continue
    }
    const last = steps.at(-1)
    if (last?.kind === 'asked' && last.who === event.who && (event.at < last.until || event.at === last.at)) {
      last.asked.push(event)
      last.until = Math.max(last.until, event.until)
    } else {
      steps.push({ kind: 'asked', at: event.at, until: event.until, who: event.who, asked: [event] })
    }
  }
  return steps
}

export const isSignedIn = ({ answer }: AskedEvent): boolean =>
  answer !== 'out' && answer !== 'cut' && answer !== 'failed'
