import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startServer, temporaryFolder } from '../../tests/support/server.ts'
import { setUp } from '../../tests/support/people.ts'
import { headersOf } from '../against.ts'
import { type Ask, compare, type Comparison, type Contender, ratio } from './compare.ts'
import { onLoadCore } from './machine.ts'
import { oauth2Proxy } from './oauth2-proxy.ts'
import { signInThroughProvider } from './oidc-sign-in.ts'
import { PEERS, type Running, startNode, startProgram } from './peer.ts'
import { claim, failedRow, type Options, type Row, type Section } from './section.ts'

interface Places {
  upstream: number
  provider: number
}
interface Peer {
  name: string
  note: string
  signsIn: boolean
  port: number
  start(): Promise<Running>
}

const OURS = 'Porchlight'
const LIMIT = 'bare undici'
const MODULES = '/usr/lib/apache2/modules'

const KINDS: { what: string; path: string; ask: Ask }[] = [
  { what: 'a small answer', path: '/small', ask: { method: 'GET', bodyBytes: 0, connections: 16 } },
  { what: 'an answer of 1 MB', path: '/big', ask: { method: 'GET', bodyBytes: 0, connections: 8 } },
  { what: 'an upload of 1 MB', path: '/upload', ask: { method: 'POST', bodyBytes: 1024 * 1024, connections: 8 } },
  { what: 'events of 32 streams', path: '/events', ask: { method: 'GET', bodyBytes: 0, connections: 32 } },
]

/** What passing a call on to the API costs, for each kind of call. */
export async function measureRelays(options: Options, say: (line: string) => void): Promise<Section[]> {
  const running: Running[] = []
  const failed: Row[] = []
  const contenders: Contender[] = []
  try {
    const places = { upstream: await freePort(), provider: await freePort() }
    running.push(
      await startProgram(
        ...onLoadCore(process.execPath, [
          join(import.meta.dirname, '../processes/upstream.ts'),
          String(places.upstream),
        ]),
        { port: places.upstream },
      ),
    )
    const peers = await peersBefore(places)
    const callbacks = peers
      .filter(peer => peer.signsIn)
      .flatMap(({ port }) => [`http://localhost:${port}/callback`, `http://localhost:${port}/oauth2/callback`])
    running.push(
      await startProgram(
        ...onLoadCore(process.execPath, [join(PEERS, 'relay/provider.mjs'), String(places.provider), ...callbacks]),
        { port: places.provider },
      ),
    )
    contenders.push(await ours(places))
    for (const peer of peers) {
      try {
        const server = await peer.start()
        running.push(server)
        contenders.push(await contender(peer, server))
      } catch (error) {
        failed.push(failedRow(peer.name, peer.note, error))
      }
    }
    const sections: Section[] = []
    for (const kind of KINDS) {
      say(`Relay: ${kind.what}`)
      const asked = contenders.map(each => ({ ...each, path: each.path + kind.path }))
      sections.push(section(kind, await compare(asked, kind.ask, options, say), failed))
    }
    return sections
  } finally {
    await Promise.all(running.map(server => server.stop()))
  }
}

function section({ what, path, ask }: (typeof KINDS)[number], comparison: Comparison, failed: Row[]): Section {
  const streams = path === '/events'
  return {
    title: `Relay: ${what}`,
    method: streams
      ? `${ask.connections} open event streams, each with an event of about 70 bytes every 5 ms from the API; the cost is that of one event.`
      : `${ask.connections} connections, one request at a time on each, to the same API behind all of them${ask.method === 'POST' ? '; the API reads the body and gives a small answer' : ''}.`,
    columns: [
      { key: 'cpuMicros', title: `µs of processor time per ${streams ? 'event' : 'call'}`, digits: 0, plotted: true },
      { key: 'rate', title: `${streams ? 'events' : 'calls'} per second`, digits: 0, plotted: false },
      ...(streams
        ? []
        : [
            { key: 'p50', title: 'median, ms', digits: 2, plotted: false },
            { key: 'p99', title: 'p99, ms', digits: 2, plotted: false },
          ]),
    ],
    rows: [...comparison.rows, ...failed],
    figures: [
      claim(
        `relay: ${what}, processor time`,
        ratio(comparison, OURS, LIMIT, 'cpuMs'),
        '× bare undici',
        { most: 1.15 },
        `rate ${ratio(comparison, OURS, LIMIT, 'rate').toFixed(2)} of it`,
      ),
    ],
  }
}

async function ours({ upstream }: Places): Promise<Contender> {
  const upstreams = JSON.stringify([{ name: 'bench', target: `http://127.0.0.1:${upstream}` }])
  const server = await startServer({
    settings: { UPSTREAMS: upstreams },
    outputFile: join(temporaryFolder(), 'server.log'),
  })
  const { browser } = await setUp(server.origin)
  const note = 'session judged, a token of its own for the API, headers cleaned, every request logged'
  return {
    name: OURS,
    note,
    pid: server.pid,
    port: server.port,
    path: '/api/bench',
    headers: { ...headersOf(browser), Origin: server.origin },
  }
}

async function contender(peer: Peer, server: Running): Promise<Contender> {
  const start = `http://localhost:${server.port}/small`
  const cookie = peer.signsIn ? await signInThroughProvider(start) : ''
  if (peer.signsIn) {
    const stranger = await fetch(start, { redirect: 'manual' })
    if (stranger.status === 200) throw new Error('it lets strangers through')
  }
  return {
    name: peer.name,
    note: peer.note,
    pid: server.pid,
    port: server.port,
    path: '',
    headers: { Host: `localhost:${server.port}`, Accept: '*/*', ...(cookie === '' ? {} : { Cookie: cookie }) },
  }
}

async function peersBefore(places: Places): Promise<Peer[]> {
  const ports = await Promise.all(Array.from({ length: 5 }, freePort))
  const [undici = 0, hono = 0, nginx = 0, apache = 0, oauth2 = 0] = ports
  const script = (name: string, port: number) => () =>
    startNode(join(PEERS, 'relay', name), [String(port), String(places.upstream)], { port })
  return [
    {
      name: LIMIT,
      note: 'the limit in Node: bytes passed on, no session',
      signsIn: false,
      port: undici,
      start: script('undici.mjs', undici),
    },
    {
      name: 'hono/proxy',
      note: "Hono's helper on fetch, no session",
      signsIn: false,
      port: hono,
      start: script('hono-proxy.mjs', hono),
    },
    {
      name: 'nginx',
      note: 'the limit outside Node: proxy_pass, no session, no log',
      signsIn: false,
      port: nginx,
      start: () => startProgram('nginx', ['-c', filledIn('nginx.conf', { ...places, port: nginx })], { port: nginx }),
    },
    {
      name: 'Apache mod_auth_openidc',
      note: 'session in shared memory',
      signsIn: true,
      port: apache,
      start: () =>
        startProgram(
          'apache2',
          ['-f', filledIn('apache.conf', { ...places, port: apache, modules: MODULES }), '-D', 'FOREGROUND'],
          { port: apache },
        ),
    },
    {
      name: 'oauth2-proxy',
      note: 'session in an encrypted cookie',
      signsIn: true,
      port: oauth2,
      start: async () =>
        startProgram(await oauth2Proxy(), ['--config', filledIn('oauth2-proxy.cfg', { ...places, port: oauth2 })], {
          port: oauth2,
        }),
    },
  ]
}

/**
 * Writes a committed configuration with its places filled in.
 * @returns the file
 */
function filledIn(name: string, values: Record<string, string | number>): string {
  const folder = temporaryFolder()
  mkdirSync(folder, { recursive: true })
  const file = join(folder, name)
  const all: Record<string, string | number> = { ...values, folder }
  writeFileSync(
    file,
    readFileSync(join(PEERS, 'relay', name), 'utf8').replaceAll(/\$\{(\w+)\}/g, (_, key: string) =>
      String(all[key] ?? ''),
    ),
  )
  return file
}
