import { afterEach, expect, test, vi } from 'vitest'
import { commandLog, plain, printTable } from './output.ts'

afterEach(() => vi.restoreAllMocks())

function written(stream: NodeJS.WriteStream): () => string {
  const write = vi.spyOn(stream, 'write').mockReturnValue(true)
  return () => write.mock.calls.map(([text]) => String(text)).join('')
}

test('a table has columns as wide as their widest cell, and no spaces at the ends of its lines', () => {
  const out = written(process.stdout)
  printTable(
    ['ID', 'NAME'],
    [
      ['1', 'Ada'],
      ['long-id', ''],
    ],
  )
  expect(out()).toBe('ID       NAME\n1        Ada\nlong-id\n')
})

test('a table without rows is its headings', () => {
  const out = written(process.stdout)
  printTable(['ID', 'NAME'], [])
  expect(out()).toBe('ID  NAME\n')
})

test('ASVS 16.4.1 text of strangers cannot command the terminal', () => {
  expect(plain('Mozilla\u001b[2J\u0007\r\nx\u009b31m')).toBe('Mozilla [2J   x 31m')
})

test('a command that does the work of a server warns on stderr, and keeps its stdout for what was asked', () => {
  const [out, err] = [written(process.stdout), written(process.stderr)]
  commandLog.info({ event: 'housekeeping_finished' }, 'nobody reads this')
  commandLog.warn({ event: 'housekeeping_finished' }, 'the disk is nearly full')
  expect([out(), err()]).toEqual(['', 'Warning: the disk is nearly full\n'])
})
