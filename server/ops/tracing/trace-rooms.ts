import type { Sessions } from '../../session/types.ts'
import type { Store } from '../../store/types.ts'
import type { Tracer } from './tracer.ts'

type Work = (...args: unknown[]) => unknown

/** The same store, with a span for each call of a function that a recorded request makes. */
export function traceStore<T extends Store>(store: T, tracer: Tracer): T {
  const traced = Object.entries(store).map(([group, part]: [string, unknown]) => [
    group,
    typeof part === 'object' && part !== null && group !== 'db' ? traceFunctions(part, group, tracer) : part,
  ])
  return Object.fromEntries(traced) as T
}

function traceFunctions(part: object, group: string, tracer: Tracer): object {
  const traced = Object.entries(part).map(([name, work]: [string, unknown]) => {
    if (typeof work !== 'function') return [name, work]
    const operation = `${group}.${name}`
    const call: Work = (...args) =>
      tracer.measure(
        `store ${operation}`,
        'client',
        () => (work as Work).apply(part, args),
        span => span.set({ 'db.system.name': 'sqlite', 'db.operation.name': operation }),
      )
    return [name, call]
  })
  return Object.fromEntries(traced) as object
}

/** The same sessions, with a span for what cookies lead to, and for each session that is opened or ended. */
export function traceSessions(sessions: Sessions, tracer: Tracer): Sessions {
  return {
    ...sessions,
    resolve: (presented, traits) =>
      tracer.measure(
        'session resolve',
        'internal',
        () => sessions.resolve(presented, traits),
        (span, resolution) => {
          span.set({ 'porchlight.session.state': resolution.state })
          if (resolution.state === 'anonymous') {
            if (resolution.ended !== null) span.set({ 'porchlight.session.end_reason': resolution.ended })
          } else span.set({ 'porchlight.session.cookies_issued': resolution.issued !== null })
        },
      ),
    open: input => promised(tracer, 'session open', () => sessions.open(input)),
    end: (publicId, why) => promised(tracer, 'session end', () => sessions.end(publicId, why)),
    endAll: (userId, why) => promised(tracer, 'session end all', () => sessions.endAll(userId, why)),
  }
}

async function promised<T>(tracer: Tracer, name: string, work: () => Promise<T>): Promise<T> {
  return tracer.measure(name, 'internal', work, () => {})
}
