import pino from 'pino'
import pretty from 'pino-pretty'
import { NAME } from '../contract/name.ts'

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent'

/** The part of pino that rooms use. Values that may hold a secret are wrapped in Secret before they get here. */
export type Log = Pick<pino.Logger, 'error' | 'warn' | 'info' | 'debug'>

const KEPT_CHARACTERS = 256 * 1024

/** JSON lines on stdout; readable lines when stdout is a terminal. Synchronous, so that the last line before an exit is not lost. */
export function createLog(level: LogLevel): Log {
  const options: pino.LoggerOptions = { name: NAME, level, base: null, serializers: { error: pino.stdSerializers.err } }
  return process.stdout.isTTY
    ? pino(options, pretty({ sync: true, ignore: 'name', translateTime: 'SYS:HH:MM:ss' }))
    : pino(options, toStdout())
}

/** A full disk under the log may not end what it logs about: lines are kept, up to a bound, until it takes them again. */
function toStdout(): pino.DestinationStream {
  const stream = pino.destination({ sync: true, maxLength: KEPT_CHARACTERS })
  stream.on('error', () => {})
  return stream
}
