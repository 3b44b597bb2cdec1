import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { makeAuthority } from '../support/authority.ts'
import { runCommand, startServer, stopAll } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'porchlight-upstreams-'))
afterAll(async () => {
  await stopAll()
  rmSync(folder, { recursive: true, force: true })
})

// 192.0.2.0/24 is nobody's (RFC 5737), and nobody there is called.
test('an upstream on another machine without TLS, a client certificate that ends soon and a key that others can read are warned of at start and by doctor', async () => {
  const { cert, key } = await (await makeAuthority('ours')).issue('porchlight', { validMs: 3_600_000 })
  const keyFile = join(folder, 'client.key')
  writeFileSync(keyFile, key, { mode: 0o644 })
  const settings = {
    UPSTREAMS: JSON.stringify([
      { name: 'orders', target: 'http://192.0.2.7:8000/v1' },
      { name: 'local', target: 'http://127.0.0.1:9' },
      { name: 'secure', target: 'https://127.0.0.1:9', tls: { cert, key: keyFile } },
    ]),
  }
  const server = await startServer({ settings })
  const warnings = (event: string) => () =>
    server.output
      .split('\n')
      .filter(line => line.includes(`"${event}"`))
      .map(line => JSON.parse(line) as object)
  // What it wrote before it was ready may still be on its way through the pipe.
  await expect
    .poll(warnings('upstream_plain_http'))
    .toMatchObject([{ level: 40, upstream: 'orders', target: 'http://192.0.2.7:8000' }])
  await expect.poll(warnings('upstream_certificate_expires')).toMatchObject([{ level: 40, upstream: 'secure' }])
  await expect.poll(warnings('key_file_exposed')).toMatchObject([{ level: 40, mend: `chmod 600 ${keyFile}` }])
  const { output } = await runCommand(['doctor'], { dataDir: server.dataDir, settings })
  expect(output).toMatch(/Upstream "orders" uses plain http at http:\/\/192\.0\.2\.7:8000/)
  expect(output).toMatch(/warn +The client certificate for upstream "secure" expires on/)
  expect(output).toContain(`warn  Other users can read ${keyFile}`)
  expect(output).toMatch(/warn +Upstream "secure" cannot be reached at https:\/\/127\.0\.0\.1:9/)
  expect(output).not.toContain('Upstream "local"')
  for (const text of [server.output, output]) expect(text).not.toContain(key.split('\n')[1])
  await server.stop()
})
