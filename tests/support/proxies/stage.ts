import { createHash, X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuthority } from '../authority.ts'
import type { Visitor } from '../client.ts'
import { type Person, setUp } from '../people.ts'
import { freePort, runCommand, type Server, type Settings, startServer, temporaryFolder } from '../server.ts'
import { apache } from './apache.ts'
import { caddy } from './caddy.ts'
import { haproxy } from './haproxy.ts'
import { nginx } from './nginx.ts'
import { type ReverseProxy, type RunningProxy, startProxy } from './reverse-proxy.ts'
import type { Replacement } from './shipped-file.ts'
import { type ProxiedUpstream, startProxiedUpstream } from './upstream.ts'

export const PROXIES: readonly ReverseProxy[] = [nginx, caddy, haproxy, apache]

/** A certificate for localhost from a CA that was made for this run, as files. */
export interface TlsFiles {
  ca: string
  caFile: string
  cert: string
  key: string
  pem: string
  /** What Chromium calls the certificate's key, so that it trusts this one and no other. */
  spki: string
}

export async function makeTlsFiles(): Promise<TlsFiles> {
  const folder = temporaryFolder()
  const authority = await makeAuthority('CA of the proxy tests')
  const issued = await authority.issue('localhost', { dns: ['localhost'] })
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  return {
    ca: authority.pem,
    caFile: file('ca.pem', authority.pem),
    cert: file('fullchain.pem', issued.cert),
    key: file('privkey.pem', issued.key),
    pem: file('both.pem', `${issued.cert}\n${issued.key}`),
    spki: createHash('sha256')
      .update(new X509Certificate(issued.cert).publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64'),
  }
}

/** Porchlight behind one of the proxies, with an API behind it. */
export interface ProxyStage {
  proxy: RunningProxy
  server: Server
  upstream: ProxiedUpstream
  origin: string
  ports: { http: number; https: number }
  tls: TlsFiles
  /** The first administrator, who signed in through the proxy. */
  person: Person
  admin: Visitor
  /** What `porchlight doctor` does not find in order, through this proxy. */
  complaints(settings?: Settings): Promise<string>
  stop(): Promise<void>
}

/**
 * @param edits changes of the shipped files beyond what differs on this machine
 */
export async function startStage(
  proxy: ReverseProxy,
  tls: TlsFiles,
  { settings = {}, edits = {} }: { settings?: Settings; edits?: Record<string, Replacement[]> } = {},
): Promise<ProxyStage> {
  const ports = { http: await freePort(), https: await freePort() }
  const origin = `https://localhost:${ports.https}`
  const upstream = await startProxiedUpstream()
  const all: Settings = {
    UPSTREAMS: JSON.stringify([
      { name: 'files', target: upstream.origin, websocket: true, cookies: true, title: 'Files' },
      { name: 'open', target: upstream.origin, websocket: true, token: 'none' },
    ]),
    ...settings,
  }
  const server = await startServer({ publicUrl: origin, settings: all })
  const running = await startProxy(proxy, { ...ports, ...tls, behind: server.port }, edits)
  const { browser, person } = await setUp(origin)
  return {
    proxy: running,
    server,
    upstream,
    origin,
    ports,
    tls,
    person,
    admin: browser,
    async complaints(more = {}) {
      const { output } = await runCommand(['doctor'], {
        dataDir: server.dataDir,
        settings: { PUBLIC_URL: origin, PORT: String(server.port), TRUSTED_PROXIES: '127.0.0.1', ...all, ...more },
        environment: { NODE_EXTRA_CA_CERTS: tls.caFile },
      })
      return output
        .split(/\n(?=ok|warn|fail)/)
        .filter(line => !line.startsWith('ok'))
        .join('\n')
        .trim()
    },
    async stop() {
      await running.stop()
      await server.stop()
      await upstream.stop()
    },
  }
}
