import fc from 'fast-check'
import { expect, test } from 'vitest'
import pino from 'pino'
import { jsonLog } from './log.ts'

/** What a log writes, without the time. */
function written(
  log: (lines: { write(line: string): void }) => { info(fields: object, message: string): void },
  fields: object,
  message: string,
): string {
  let all = ''
  log({ write: line => void (all += line) }).info(fields, message)
  return all.replace(/"time":\d{13},/, '')
}

const byPino = (lines: { write(line: string): void }) =>
  pino({ level: 'info', base: null, serializers: { error: pino.stdSerializers.err } }, lines)
const byUs = (lines: { write(line: string): void }) => jsonLog('info', lines)

test('ASVS 16.1.1 a line made by hand is the line that pino would write, whatever it holds', () => {
  const field = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(undefined),
    fc.constant(null),
    fc.array(fc.string()),
    fc.record({ at: fc.string() }),
  )
  const key = fc.constantFrom(
    'requestId',
    'method',
    'path',
    'status',
    'ms',
    'family',
    'aborted',
    'hosts',
    'deleted',
    'error',
  )
  fc.assert(
    fc.property(fc.dictionary(key, field), fc.string({ unit: 'binary' }), (fields, message) => {
      expect(written(byUs, fields, message)).toBe(written(byPino, fields, message))
    }),
    { numRuns: 2000 },
  )
})

test('an error among the fields is told with its kind and what it says', () => {
  const line = JSON.parse(written(byUs, { error: new TypeError('no lantern') }, 'it broke')) as {
    error: { type: string; stack: string }
  }
  expect(line.error).toMatchObject({ type: 'TypeError', message: 'no lantern' })
  expect(line.error.stack).toBeUndefined()
})

test('below its level a log writes nothing', () => {
  expect(written(lines => jsonLog('warn', lines), { status: 200 }, 'request')).toBe('')
})
