import { createRequire } from 'node:module'
import pino from 'pino'
import type { PinoPretty, PrettyOptions } from 'pino-pretty'
import { briefError } from './brief-error.ts'
import { systemClock } from './clock.ts'
import { flatLine } from './flat-line.ts'
import { linesTo } from './lines.ts'
import type { LogEvent } from './log-events.ts'
import { withoutAddresses } from './personal-data.ts'

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent'

/** The fields of a log line. Values that may contain a secret are wrapped in Secret beforehand. */
interface Fields {
  event: LogEvent
  [field: string]: unknown
}

/** The subset of pino that the rooms use. */
export type Log = Record<'error' | 'warn' | 'info' | 'debug', (fields: Fields, message: string) => void>

const INFO = pino.levels.values['info'] ?? 30

/** One per process, shared by all logs. */
let stdout: ReturnType<typeof linesTo> | null = null

const ERROR = pino.levels.values['error'] ?? 50

/** Only level `error`, which means a fault of ours, logs a stack. */
const OPTIONS = {
  base: null,
  serializers: { error: (value: unknown) => (value instanceof Error ? wholeError(value) : value) },
  hooks: {
    logMethod([fields, ...rest], method, level) {
      const first: unknown = fields
      const brief = level < ERROR && typeof first === 'object' && first !== null && 'error' in first
      method.apply(this, [brief ? { ...first, error: briefError(first.error) } : fields, ...rest])
    },
  },
} satisfies pino.LoggerOptions

/** Keeps the stack, whose first line repeats the message. */
function wholeError(error: Error): Record<string, unknown> {
  const whole = Object.entries(pino.stdSerializers.err(error))
  return Object.fromEntries(
    whole.map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'string' ? withoutAddresses(value) : value,
    ]),
  )
}

/**
 * Logs JSON lines to stdout, or readable lines when stdout is a terminal. Lines written just before an exit are not
 * lost.
 */
export function createLog(level: LogLevel): Log {
  return process.stdout.isTTY ? terminalLog(level, 1) : jsonLog(level, (stdout ??= linesTo(1)))
}

/** Readable lines for a terminal: one per entry, plus the stack of an error. */
export function terminalLog(level: LogLevel, destination: NonNullable<PrettyOptions['destination']>): Log {
  // Loaded only for a terminal, because it takes 8 MB.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty
  return pino(
    { ...OPTIONS, level },
    pretty({ destination, sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss' }),
  )
}

/**
 * pino, except that the most frequent lines (one per request) are serialised by flatLine, because pino takes longer
 * over them than many responses take.
 */
export function jsonLog(level: LogLevel, lines: { write(line: string): void }): Log {
  const log = pino({ ...OPTIONS, level }, lines)
  if (!log.isLevelEnabled('info')) return log
  return {
    error: log.error.bind(log),
    warn: log.warn.bind(log),
    debug: log.debug.bind(log),
    info: (fields, message) => {
      const line = flatLine(INFO, systemClock.now().wall, fields as Record<string, unknown>, message)
      if (line === null) log.info(fields, message)
      else lines.write(line)
    },
  }
}
