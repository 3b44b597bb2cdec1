import { jsonLog, type Log } from './log.ts'

/** For tests: a real log whose lines are collected, raw and parsed. */
export function captureLog(): { log: Log; lines: string[]; events(): Record<string, unknown>[] } {
  const lines: string[] = []
  return {
    log: jsonLog('info', { write: line => void lines.push(line) }),
    lines,
    events: () => lines.map(line => JSON.parse(line) as Record<string, unknown>),
  }
}
