import { expect, test } from 'vitest'
import { testUpstream, ANNA, listen, testRelay } from './relay.testing.ts'
import { webSink } from './web-sink.ts'

test('a large body on a response that cannot have one ends as soon as the upstream has sent it', async () => {
  const upstream = await listen(
    (_incoming, outgoing) => void outgoing.writeHead(205, { 'x-a': '1' }).end(Buffer.alloc(4 * 1024 * 1024)),
  )
  // If it waited for a reader, it would exceed this test's timeout.
  const relay = testRelay([
    testUpstream(upstream.origin, {
      timeouts: { connectMs: 2000, headersMs: 5000, idleMs: 600_000, websocketIdleMs: 600_000 },
    }),
  ])
  const match = relay.match('/api/notes')
  if (match === null) throw new Error('there is no such upstream')
  const { sink, response } = webSink(null)
  const passed = relay.pass(
    match,
    {
      id: 'r',
      method: 'GET',
      path: '/api/notes',
      search: '',
      rawHeaders: [],
      body: null,
      network: '192.0.2.7',
      caller: ANNA,
    },
    sink,
  )
  const answer = await response
  expect([answer.status, answer.body, answer.headers.get('x-a')]).toEqual([205, null, '1'])
  await passed
  await relay.close()
  await upstream.close()
})
