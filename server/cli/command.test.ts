import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { Problem } from '../base/problem.ts'
import { command, group } from './command.ts'
import { run } from './run-command.ts'

let out: string
let err: string
beforeEach(() => {
  out = ''
  err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation(text => ((out += String(text)), true))
  vi.spyOn(process.stderr, 'write').mockImplementation(text => ((err += String(text)), true))
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

const done: unknown[] = []
const rotate = command({
  name: 'lamp key rotate',
  description: 'Rotate keys',
  args: {
    id: { type: 'positional', required: false, description: 'Which key' },
    compromised: { type: 'boolean', description: 'Retire the old ones' },
    of: { type: 'string', description: 'Whose' },
  },
  async run({ id, compromised, of }) {
    if (id === 'broken') throw new OperatorError('It is broken.', ['Mend it.'])
    if (id === 'missing') throw new Problem('not_found', { detail: 'It may have been used.' })
    done.push({ id, compromised, of })
  },
})
const lamp = group('lamp', 'A lamp', { key: async () => group('lamp key', 'Keys', { rotate: async () => rotate }) })
const call = async (...args: string[]) => {
  done.length = 0
  await run(lamp, args, '1.2.3')
  return process.exitCode
}

test('a command gets its words and options, also after --', async () => {
  expect(await call('key', 'rotate', 'k1', '--of', '-dash', '--compromised')).toBeUndefined()
  expect(done).toEqual([{ id: 'k1', compromised: true, of: '-dash' }])
  await call('key', 'rotate', '--', '-k2')
  expect(done).toEqual([expect.objectContaining({ id: '-k2' })])
})

test.each([
  [['key', 'rotate', '--compromized'], /--compromized[^]*--compromised\?/],
  [['key', 'rotate', '--compromised', '-x'], /-x/],
  [['key', 'rotate', 'k1', 'k2'], /k2/],
  [['key', 'rotat'], /lamp key rotate\?/],
  [['constructor'], /constructor/],
])('a slip does nothing, names what was meant and exits with 1: %j', async (args, words) => {
  expect(await call(...args)).toBe(1)
  expect(done).toEqual([])
  expect(err).toMatch(words)
})

test('what an operator can mend is printed without a stack, with what to do', async () => {
  expect(await call('key', 'rotate', 'broken')).toBe(1)
  expect(err).toBe('It is broken.\nMend it.\n')
  err = ''
  expect(await call('key', 'rotate', 'missing')).toBe(1)
  expect(err).toContain('It may have been used.')
  expect(err).not.toMatch(/\n {4}at /)
})

test('a group by itself, and --help anywhere, print what there is and do nothing', async () => {
  expect(await call('key')).toBeUndefined()
  expect(out).toMatch(/^ {2}rotate +Rotate keys$/m)
  out = ''
  await call('key', 'rotate', '--help')
  expect(out).toContain('lamp key rotate [ID] [options]')
  expect(done).toEqual([])
  await call('--version')
  expect(out).toContain('1.2.3')
})
