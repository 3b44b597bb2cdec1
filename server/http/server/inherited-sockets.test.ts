import { expect, test } from 'vitest'
import { OperatorError } from '../../base/operator-error.ts'
import { takeInheritedSockets } from './inherited-sockets.ts'

const take = (env: Record<string, string>) => takeInheritedSockets(env, 42)

test('sockets are those after standard error, with their names, and children do not inherit the variables', () => {
  const env = { LISTEN_PID: '42', LISTEN_FDS: '3', LISTEN_FDNAMES: 'web::local', HOME: '/' }
  expect(takeInheritedSockets(env, 42)).toEqual({
    sockets: [
      { fd: 3, name: 'web' },
      { fd: 4, name: 'unnamed' },
      { fd: 5, name: 'local' },
    ],
    meantFor: null,
  })
  expect(env).toEqual({ HOME: '/' })
  expect(take({ LISTEN_PID: '42', LISTEN_FDS: '1' }).sockets).toEqual([{ fd: 3, name: 'unnamed' }])
})

test('without the variables there are none, and those of another process are named, not used', () => {
  expect(take({})).toEqual({ sockets: [], meantFor: null })
  expect(take({ LISTEN_PID: '41', LISTEN_FDS: '1' })).toEqual({ sockets: [], meantFor: '41' })
  expect(take({ LISTEN_FDS: '1' })).toEqual({ sockets: [], meantFor: 'nobody' })
})

test('a number of sockets that is none is refused', () => {
  for (const LISTEN_FDS of ['', '0', '-1', '1.5', 'one', '65', '99999', ' 1'])
    expect(() => take({ LISTEN_PID: '42', LISTEN_FDS }), LISTEN_FDS).toThrow(OperatorError)
})
