import { format } from 'node:util'
import type { Log } from './log.ts'
import { withoutAddresses } from './personal-data.ts'

const METHODS = { error: 'error', warn: 'warn', log: 'info', info: 'info', debug: 'debug', trace: 'debug' } as const
/** A stack or an object that a library prints may be long. */
const LONGEST = 4000

/**
 * Makes log lines of what libraries write to the console and of Node's warnings: whoever collects the log reads lines
 * of JSON.
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
