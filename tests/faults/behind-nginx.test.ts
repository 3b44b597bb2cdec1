import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import { afterAll, describe, expect } from 'vitest'
import { startRecordingUpstream } from '../support/recording-upstream.ts'
import { freePort, startServer, stopAll } from '../support/server.ts'
import { nginx, testWith } from '../support/faults/machine.ts'
import { startSharedCache } from '../support/faults/nginx.ts'

afterAll(stopAll)

describe('behind nginx as it comes, which holds answers back', () => {
  testWith(nginx)('an event of a stream arrives while the stream goes on', async () => {
    const upstream = await startRecordingUpstream()
    const port = await freePort()
    const settings = {
      PUBLIC_URL: `http://localhost:${port}`,
      UPSTREAMS: JSON.stringify([{ name: 'feed', target: upstream.origin, token: 'none' }]),
    }
    const server = await startServer({ settings })
    const proxy = await startSharedCache(port, server.port)
    const asked = http.get({
      port,
      path: '/api/feed/stream',
      agent: false,
      headers: { Host: `localhost:${port}`, Accept: 'text/event-stream' },
    })
    const [answer] = (await once(asked, 'response', { signal: AbortSignal.timeout(10_000) })) as [IncomingMessage]
    expect(answer.headers['content-type']).toBe('text/event-stream')
    const [event] = await once(answer, 'data', { signal: AbortSignal.timeout(5000) })
    expect(String(event)).toBe('data: hello\n\n')
    expect([upstream.streams(), answer.complete]).toEqual([1, false])
    asked.destroy()
    await proxy.stop()
    await server.stop()
    await upstream.stop()
  })
})
