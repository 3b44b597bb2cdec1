import fc from 'fast-check'
import { expect, test } from 'vitest'
import pino from 'pino'
import { jsonLog } from './log.ts'

/** What the log writes, without the timestamp. */
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

test('ASVS 16.1.1 flatLine writes exactly the line that pino would write, whatever the fields contain', () => {
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

test('an error among the fields is logged with its type and message', () => {
  const line = JSON.parse(written(byUs, { error: new TypeError('no lantern') }, 'it broke')) as {
    error: { type: string; stack: string }
  }
  expect(line.error).toMatchObject({ type: 'TypeError', message: 'no lantern' })
  expect(line.error.stack).toBeUndefined()
})

test('messages below the configured level are not written', () => {
  expect(written(lines => jsonLog('warn', lines), { status: 200 }, 'request')).toBe('')
})
