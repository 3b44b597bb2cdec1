import { afterAll, expect, test } from 'vitest'
import { runCommand, startServer, stopAll } from '../support/server.ts'

afterAll(stopAll)

// 192.0.2.0/24 is nobody's (RFC 5737), and nobody there is called.
test('an upstream on another machine without TLS is warned of at start and by doctor, one on this machine is not', async () => {
  const settings = {
    UPSTREAMS: JSON.stringify([
      { name: 'orders', target: 'http://192.0.2.7:8000/v1' },
      { name: 'local', target: 'http://127.0.0.1:9' },
    ]),
  }
  const server = await startServer({ settings })
  const warnings = () =>
    server.output
      .split('\n')
      .filter(line => line.includes('"upstream_plain_http"'))
      .map(line => JSON.parse(line) as object)
  // What it wrote before it was ready may still be on its way through the pipe.
  await expect.poll(warnings).toMatchObject([{ level: 40, upstream: 'orders', target: 'http://192.0.2.7:8000' }])
  const { output } = await runCommand(['doctor'], { dataDir: server.dataDir, settings })
  expect(output).toMatch(/Upstream "orders" uses plain http at http:\/\/192\.0\.2\.7:8000/)
  expect(output).not.toContain('Upstream "local"')
  await server.stop()
})
