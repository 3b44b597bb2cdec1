import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Authority, makeAuthority } from '../support/authority.ts'
import { setUp } from '../support/people.ts'
import { runCommand, type Server, startServer, stopAll } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'porchlight-upstreams-'))
const keyFile = join(folder, 'client.key')
let server: Server
let settings: Record<string, string>
let key: string
let secure: ReturnType<typeof createServer>

beforeAll(async () => {
  const authority: Authority = await makeAuthority('ours')
  const issued = await authority.issue('porchlight', { validMs: 3_600_000 })
  key = issued.key
  writeFileSync(join(folder, 'ca.pem'), authority.pem)
  writeFileSync(keyFile, key, { mode: 0o644 })
  const own = await authority.issue('127.0.0.1')
  secure = createServer(
    { ...own, ca: authority.pem, requestCert: true, rejectUnauthorized: true },
    ({ socket }, response) => void response.end((socket as TLSSocket).getPeerX509Certificate()?.subject),
  ).listen(0, '127.0.0.1')
  await once(secure, 'listening')
  settings = {
    UPSTREAMS: JSON.stringify([
      // 192.0.2.0/24 is nobody's (RFC 5737), and nobody there is called.
      { name: 'orders', target: 'http://192.0.2.7:8000/v1' },
      { name: 'local', target: 'http://127.0.0.1:9' },
      {
        name: 'secure',
        target: `https://127.0.0.1:${(secure.address() as AddressInfo).port}`,
        tls: { ca: join(folder, 'ca.pem'), cert: issued.cert, key: { file: keyFile } },
      },
    ]),
  }
  server = await startServer({ settings })
})
afterAll(async () => {
  await stopAll()
  secure?.closeAllConnections()
  secure?.close()
  rmSync(folder, { recursive: true, force: true })
})

test('an upstream with a private CA that requires a client certificate is called with the one that is set', async () => {
  const { browser } = await setUp(server.origin)
  expect(await browser.get('/api/secure/x')).toMatchObject({ status: 200, text: 'CN=porchlight' })
})

test('an upstream on another machine without TLS, a client certificate that ends soon and a key that others can read are warned of at start and by doctor', async () => {
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
  expect(output).toMatch(/ok +Upstream "secure" has a trusted certificate/)
  expect(output).not.toContain('Upstream "local"')
  for (const text of [server.output, output]) expect(text).not.toContain(key.split('\n')[1])
})
