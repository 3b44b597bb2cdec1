import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { relayTo } from './upstream.testing.ts'
import { testUpstream, ask, front, listen } from './relay.testing.ts'

// Clients that disconnect during a call. How quickly that is noticed: app.leaving.test.ts.

test('a client that disconnects during an anonymous upload fails that upload and nothing else', async () => {
  const gone = await listen(() => {})
  await gone.close()
  const here = await front([testUpstream(gone.origin, { maxBodyBytes: 1000 })])
  onTestFinished(here.close)
  const upload = request(`${here.origin}/api/notes`, {
    method: 'POST',
    agent: false,
    headers: { 'transfer-encoding': 'chunked' },
  })
  upload.on('error', () => {})
  upload.write('begun')
  const [response] = (await once(upload, 'response')) as [IncomingMessage]
  expect(response.statusCode).toBe(502)
  upload.destroy()
  await wait(100)
  expect((await ask(here.origin, '/api/notes')).status).toBe(502)
})

test('a client that disconnected before the upstream answered leaves no stream open', async () => {
  let open = 0
  const { origin } = await relayTo((_incoming, outgoing) => {
    open++
    outgoing.on('close', () => open--)
    setTimeout(() => outgoing.writeHead(200, { 'content-type': 'Text/Event-Stream' }).write('data: 1\n\n'), 100)
  })
  const leaver = request(`${origin}/api/notes`, { agent: false }).end()
  leaver.on('error', () => {})
  await wait(20)
  leaver.destroy()
  await expect.poll(() => open, { timeout: 3000 }).toBe(0)
})
