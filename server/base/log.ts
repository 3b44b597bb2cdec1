import pino from 'pino'
import pretty from 'pino-pretty'
import { NAME } from '../contract/name.ts'
import { linesTo } from './lines.ts'

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent'

/** The part of pino that rooms use. Values that may hold a secret are wrapped in Secret before they get here. */
export type Log = Pick<pino.Logger, 'error' | 'warn' | 'info' | 'debug'>

/** One for the process, however many logs there are. */
let stdout: ReturnType<typeof linesTo> | null = null

/** JSON lines on stdout; readable lines when stdout is a terminal. The last lines before an exit are not lost. */
export function createLog(level: LogLevel): Log {
  const options: pino.LoggerOptions = { name: NAME, level, base: null, serializers: { error: pino.stdSerializers.err } }
  return process.stdout.isTTY
    ? pino(options, pretty({ sync: true, ignore: 'name', translateTime: 'SYS:HH:MM:ss' }))
    : pino(options, stdout ??= linesTo(1))
}
