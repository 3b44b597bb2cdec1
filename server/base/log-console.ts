import { format } from 'node:util'
import type { Log } from './log.ts'
import { withoutAddresses } from './personal-data.ts'

const METHODS = { error: 'error', warn: 'warn', log: 'info', info: 'info', debug: 'debug', trace: 'debug' } as const
/** Bounds a stack trace or object that a library prints. */
const LONGEST = 4000

/**
 * Turns console output of libraries and Node's warnings into log lines, because log collectors expect nothing but JSON
 * lines.
 */
export function logConsole(log: Log): void {
  for (const [method, level] of Object.entries(METHODS) as [
    keyof typeof METHODS,
    (typeof METHODS)[keyof typeof METHODS],
  ][]) {
    // eslint-disable-next-line no-console -- this is where the console ends
    console[method] = (...words: unknown[]) =>
      log[level](
        { event: 'console_written', text: withoutAddresses(format(...words)).slice(0, LONGEST) },
        'a library wrote to the console',
      )
  }
  // Node's own listener would write to stderr.
  process.removeAllListeners('warning')
  process.on('warning', warning => log.warn({ event: 'node_warning', error: warning }, 'Node emitted a warning'))
}
