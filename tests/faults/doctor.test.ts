import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect } from 'vitest'
import {
  freePort,
  runCommand,
  type Server,
  startServer,
  stopAll,
  temporaryFolder,
  waitUntil,
} from '../support/server.ts'
import { makeCertificate } from '../support/terminator.ts'
import { nginx, testWith } from '../support/faults/machine.ts'
import { startNginx } from '../support/faults/nginx.ts'

afterAll(stopAll)

const HOST = 'proxy_set_header Host $http_host;'
const ADDRESS = 'proxy_set_header X-Forwarded-For $remote_addr;'
const UPGRADE = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
const SIZE = 'client_max_body_size 0;'
const PASS = 'proxy_pass http://porchlight;'
const GOOD = [HOST, ADDRESS, UPGRADE, SIZE, PASS]
const without = (line: string) => GOOD.filter(one => one !== line)

/** What the doctor says is wrong, besides plain http. */
async function complaints(
  server: Server,
  origin: string,
  { settings = {}, environment = {} }: { settings?: Record<string, string>; environment?: Record<string, string> } = {},
): Promise<string> {
  const { output } = await runCommand(['doctor'], {
    dataDir: server.dataDir,
    settings: { PUBLIC_URL: origin, PORT: String(server.port), TRUSTED_PROXIES: '127.0.0.1', ...settings },
    environment,
  })
  return output
    .split(/\n(?=ok|warn|fail)/)
    .filter(line => !line.startsWith('ok') && !line.includes('plain http'))
    .join('\n')
    .trim()
}

describe('the doctor behind a real nginx', () => {
  testWith(nginx)(
    'finds nothing wrong with the set-up that the guides give, and names what each wrong one lacks',
    async () => {
      const front = await freePort()
      const origin = `http://localhost:${front}`
      const server = await startServer({ settings: { PUBLIC_URL: origin } })
      const behind = async (lines: string[], rest: { http?: string } = {}) => {
        const proxy = await startNginx({ port: front, behind: server.port, location: lines.join('\n'), ...rest })
        try {
          return await complaints(server, origin)
        } finally {
          await proxy.stop()
        }
      }
      expect(await behind(GOOD)).toBe('')
      expect(await behind([...without(ADDRESS), 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;'])).toBe(
        '',
      )
      expect(await behind(without(HOST))).toMatch(/^fail +The proxy does not forward the Host/)
      expect(await behind(without(ADDRESS))).toMatch(/^fail +The proxy .* sends no X-Forwarded-For/)
      expect(await behind(without(UPGRADE))).toMatch(/^fail +The proxy does not forward WebSocket upgrades/)
      expect(await behind(without(SIZE))).toMatch(/^fail +A body of 2 MB does not get through/)
      // What comes in chunks it passes on even so; over HTTP 1.0 it waits for a full buffer.
      expect(
        await behind([...without(UPGRADE), 'proxy_http_version 1.0; proxy_ignore_headers X-Accel-Buffering;']),
      ).toMatch(/fail +The proxy buffers event streams/)
      expect(await behind([...without(PASS), 'proxy_pass http://porchlight/porch/;'])).toMatch(
        /^fail +The proxy changes paths/,
      )
      expect(await behind(['return 301 https://elsewhere.invalid$request_uri;'])).toMatch(
        /^fail .*redirects elsewhere \(301\)/,
      )
      expect(await behind(['return 404;'])).toMatch(/^fail .*answers 404, and the request did not arrive here/)
    },
    240_000,
  )

  testWith(nginx)(
    'names the proxy that is not trusted; the server logs it once, and one guesser does not keep out the others',
    async () => {
      const front = await freePort()
      const origin = `http://localhost:${front}`
      const server = await startServer({ settings: { PUBLIC_URL: origin, TRUSTED_PROXIES: '10.9.9.9' } })
      const proxy = await startNginx({
        port: front,
        behind: server.port,
        location: [...without(ADDRESS), 'proxy_set_header X-Forwarded-For $http_x_visitor;'].join('\n'),
      })
      const signIn = (visitor: string, email: string) =>
        fetch(`${origin}/auth/login`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', Origin: origin, 'X-Visitor': visitor },
          body: JSON.stringify({ email, password: 'not the right one at all' }),
        }).then(answer => answer.status)
      for (let i = 0; i < 21; i++) await signIn('203.0.113.66', `nobody-${i}@example.org`)
      expect(await signIn('203.0.113.66', 'other@example.org'), 'the guesser has to wait').toBe(429)
      expect(await signIn('203.0.113.7', 'other@example.org'), 'somebody else has not').toBe(401)
      await waitUntil(() => server.output.includes('proxy_not_trusted'), 'the warning')
      expect(server.output.match(/proxy_not_trusted/g)).toHaveLength(1)
      await proxy.stop()
      const again = await startNginx({ port: front, behind: server.port, location: GOOD.join('\n') })
      expect(await complaints(server, origin, { settings: { TRUSTED_PROXIES: '10.9.9.9' } })).toMatch(
        /^fail .*\(127\.0\.0\.1\) is not among the trusted proxies[^]*PORCHLIGHT_TRUSTED_PROXIES=10\.9\.9\.9,127\.0\.0\.1/,
      )
      await again.stop()
    },
    120_000,
  )

  testWith(nginx)(
    'names NODE_EXTRA_CA_CERTS for a private CA, and is content once it is set',
    async () => {
      const front = await freePort()
      const origin = `https://localhost:${front}`
      const folder = temporaryFolder()
      const { certificate, key } = await makeCertificate(['localhost'])
      const ca = join(folder, 'ca.pem')
      writeFileSync(ca, certificate)
      writeFileSync(join(folder, 'key.pem'), key)
      const server = await startServer({ settings: { PUBLIC_URL: origin } })
      const proxy = await startNginx({
        port: front,
        behind: server.port,
        listen: 'ssl',
        server: `ssl_certificate ${ca}; ssl_certificate_key ${join(folder, 'key.pem')};`,
        location: GOOD.join('\n'),
      })
      expect(await complaints(server, origin)).toMatch(/^fail .*not trusted here[^]*NODE_EXTRA_CA_CERTS=/)
      expect(await complaints(server, origin, { environment: { NODE_EXTRA_CA_CERTS: ca } })).toBe('')
      await proxy.stop()
    },
    120_000,
  )
})
