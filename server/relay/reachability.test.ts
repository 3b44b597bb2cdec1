import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { createReachability } from './reachability.ts'
import { testUpstream } from './relay.testing.ts'

test('an upstream that accepts connections is reachable, one that does not is not, and results are cached for seconds', async () => {
  let connections = 0
  const server = createServer(socket => {
    connections++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const reachable = createReachability(systemClock)
  expect(await Promise.all([1, 2, 3].map(() => reachable(testUpstream(origin))))).toEqual([true, true, true])
  await new Promise(resolve => server.close(resolve))
  expect(connections).toBe(1)
  expect(await createReachability(systemClock)(testUpstream(origin))).toBe(false)
})
