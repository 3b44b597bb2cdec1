import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { CONFIG, startApp } from '../../../tests/support/app.ts'

test('PROXY §2 two thousand connections of a trusted proxy that send no header, or a part, are closed after five seconds', async () => {
  const app = await startApp({ config: { ...CONFIG, trustedProxies: ['127.0.0.1'], proxyProtocol: true } })
  onTestFinished(() => app.close())
  const open = (part: string) =>
    new Promise<void>((connected, failed) => {
      const socket = connect(app.port, '127.0.0.1', () => {
        if (part !== '') socket.write(part, 'latin1')
        connected()
      })
      socket.on('close', () => closed++)
      socket.on('error', failed)
      socket.resume()
    })
  let closed = 0
  for (let batch = 0; batch < 20; batch++)
    await Promise.all(Array.from({ length: 100 }, (_, at) => open(at % 2 === 0 ? '' : 'PROXY TCP4 203.0')))
  const answer = await app.raw('PROXY UNKNOWN\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  expect(answer, 'others are served meanwhile').toMatch(/^HTTP\/1\.1 200 /)
  await expect.poll(() => closed, { timeout: 50_000 }).toBe(2000)
}, 90_000)
