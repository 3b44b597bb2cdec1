import type { Clock } from '../base/clock.ts'
import { isLoopback } from '../config/address.ts'
import type { Config } from '../config/types.ts'
import { fail, type Finding, ok, warn } from './finding.ts'
import {
  BODY_BYTES,
  CHECK_HEADER,
  CHECK_PREFIX,
  type CheckAction,
  type ProxyTrouble,
  FORGED_ADDRESS,
  type Seen,
  type Sighting,
  STREAM_EVENTS,
  STREAM_GAP_MS,
} from './front-check.ts'
import { isSent, sendThrough, type SendOptions, type Sent, TIMEOUT_MS } from './front-request.ts'

/** The doctor's requests to the running server. Both return null if it is an older version without checks. */
export interface FrontDeps {
  begin(): Promise<{ token: string } | null>
  seen(): Promise<Seen | null>
}

type Address = Pick<Config, 'publicUrl' | 'trustedProxies' | 'proxyProtocol'>

/** Sends each kind of request through the public URL, and asks the server what arrived. */
export async function examineFront(config: Address, clock: Clock, deps: FrontDeps): Promise<Finding[]> {
  const started = await deps.begin()
  if (started === null) return []
  const through = { publicUrl: config.publicUrl, token: started.token, clock }
  const send = (action: CheckAction, options: SendOptions = {}) => sendThrough(through, action, options)
  const look = await send('look').catch((error: unknown) => error)
  const seen = await deps.seen()
  if (seen === null) return []
  if (!isSent(look)) return [judgeFailure(config, look)]
  const arrived = sightingOf(seen, 'look')
  const isThere = look.status === 200 && arrived !== null
  // Anyone can send the preamble, so it only implicates the proxy if our own request did not arrive.
  if (seen.proxyProtocol !== null && !isThere) return [judgeProxyProtocol(config, seen.proxyProtocol)]
  if (!isThere) return [judgeLost(config, look, seen)]
  await send('forged', { headers: { 'X-Forwarded-For': FORGED_ADDRESS } })
  const forged = sightingOf((await deps.seen()) ?? seen, 'forged')
  return [
    ...judgeArrival(config, arrived, look.local),
    ...judgeForged(forged, isDirect(arrived, look.local)),
    await judgeBody(send),
    await judgeStream(send),
    await judgeSocket(config.publicUrl, started.token, deps),
  ]
}

function sightingOf({ sightings }: Seen, action: CheckAction): Sighting | null {
  return sightings.find(({ path }) => path === CHECK_PREFIX + action) ?? null
}

const plain = (address: string) => address.replace(/^::ffff:/, '')

/** Whether the server's peer is our own end of the connection, so that there is no proxy. */
function isDirect({ peer }: Sighting, local: Sent['local']): boolean {
  return peer.port === local.port && plain(peer.address) === plain(local.address)
}

/**
 * Errors on a machine that cannot resolve the public name, or cannot reach itself through the router, although others
 * can.
 */
const NO_WAY = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'])

/** Exported for its tests. Handles error codes of Node and OpenSSL. */
export function judgeFailure({ publicUrl }: Address, error: unknown): Finding {
  const named = error instanceof Error && 'code' in error ? error.code : error instanceof Error ? error.message : error
  const code = String(named)
  if (/SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|CERT_(?:UNTRUSTED|SIGNATURE)|ISSUER/.test(code)) {
    return fail(
      `The certificate of ${publicUrl} is not trusted here (${code})`,
      "Where it comes from a CA of your own, name that CA's certificate: NODE_EXTRA_CA_CERTS=/path/to/ca.pem, for the server as well. Otherwise let the proxy send the intermediate certificates too.",
    )
  }
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(code))
    return fail(`The certificate of ${publicUrl} is not valid now (${code})`, 'Renew it, or set the clock.')
  if (/ALTNAME/.test(code))
    return fail(
      `The certificate is not for ${new URL(publicUrl).hostname} (${code})`,
      'Get one for that name, or set PORCHLIGHT_PUBLIC_URL to the name that it is for.',
    )
  const what = `${publicUrl} cannot be reached from this machine (${code})`
  return NO_WAY.has(code) && !isLoopback(new URL(publicUrl).hostname)
    ? warn(what, 'Check the name and the proxy. If only this machine cannot reach it, nothing is wrong.')
    : fail(what, 'Check the name, the proxy and its certificate.')
}

function judgeProxyProtocol({ proxyProtocol, trustedProxies }: Address, { problem, peer }: ProxyTrouble): Finding {
  if (problem === 'missing')
    return fail(
      `The proxy (${peer}) does not send the PROXY protocol header that PORCHLIGHT_PROXY_PROTOCOL requires`,
      'Turn it on there (HAProxy: send-proxy-v2; nginx, in stream: proxy_protocol on), or unset the setting.',
    )
  return fail(
    `A proxy (${plain(peer)}) starts each connection with the PROXY protocol, which is not read from it`,
    proxyProtocol
      ? `PORCHLIGHT_TRUSTED_PROXIES=${[...trustedProxies, plain(peer)].join(',')}`
      : "Set PORCHLIGHT_PROXY_PROTOCOL=true and name the proxy in PORCHLIGHT_TRUSTED_PROXIES, or turn it off there (nginx: proxy_protocol off; HAProxy: no send-proxy; AWS: target group attribute) and send the client's address in X-Forwarded-For.",
  )
}

/** The request was answered, but not by this server or not under the requested path. */
function judgeLost({ publicUrl }: Address, { status }: Sent, { sightings }: Seen): Finding {
  const [misrouted] = sightings
  if (misrouted !== undefined && misrouted.path !== `${CHECK_PREFIX}look`) {
    return fail(
      `The proxy changes paths: ${CHECK_PREFIX}look arrived as ${misrouted.path}`,
      'The site needs its own host, without a path prefix. Forward paths unchanged (nginx: proxy_pass without a path).',
    )
  }
  if (status === 421)
    return fail(
      'The proxy does not forward the Host header that browsers send',
      `Configure it to send "Host: ${new URL(publicUrl).host}" (nginx: proxy_set_header Host $http_host).`,
    )
  if (misrouted !== undefined)
    return fail(
      `The request arrived, but a different response came back (${status})`,
      "A proxy answers in the server's place. Check its error pages and its cache.",
    )
  if (status >= 300 && status < 400)
    return fail(
      `${publicUrl} redirects elsewhere (${status})`,
      'Set PORCHLIGHT_PUBLIC_URL to the address that people are redirected to.',
    )
  return fail(
    `${publicUrl} answers ${status}, and the request did not arrive here`,
    'Something else may be listening there, the proxy may point elsewhere, or serve this site under a path: it needs its own host.',
  )
}

/** @param local our end of the connection to the public URL */
function judgeArrival({ trustedProxies, proxyProtocol }: Address, arrived: Sighting, local: Sent['local']): Finding[] {
  const peer = plain(arrived.peer.address)
  if (proxyProtocol && (isDirect(arrived, local) || (arrived.forwardedFor === null && !arrived.peerTrusted)))
    return [ok(`The PROXY protocol says that we come from ${peer}`)]
  if (isDirect(arrived, local)) return [ok('Reached directly, without a proxy')]
  if (arrived.forwardedFor === null) {
    return [
      fail(
        `The proxy (${peer}) sends no X-Forwarded-For, so all clients seem to have its address and share one limit on failed sign-ins`,
        "Configure it to send the client's address (nginx: proxy_set_header X-Forwarded-For $remote_addr).",
      ),
    ]
  }
  if (!arrived.peerTrusted) {
    return [
      fail(
        `The proxy (${peer}) is not among the trusted proxies (${trustedProxies.join(', ') || 'there are none'}), so its X-Forwarded-For is ignored`,
        `PORCHLIGHT_TRUSTED_PROXIES=${[...trustedProxies, peer].join(',')}`,
      ),
    ]
  }
  if (arrived.client === 'unknown') {
    return [
      fail(
        'The X-Forwarded-For that arrives contains something other than addresses',
        "Configure the proxy to send only the client's address (nginx: proxy_set_header X-Forwarded-For $remote_addr).",
      ),
    ]
  }
  // We sent none: each address in it was added on the way, the first by whatever accepted our connection.
  const passed = arrived.forwardedFor.split(',').length
  const [first = ''] = arrived.forwardedFor.split(',')
  if (passed > 1 && !isSame(first, arrived.client)) {
    return [
      fail(
        `Another proxy (${arrived.client}) is not among the trusted ones, so all clients seem to have its address`,
        `PORCHLIGHT_TRUSTED_PROXIES=${[...trustedProxies, arrived.client].join(',')}`,
      ),
    ]
  }
  return [ok(`Trusted proxy ${peer}; it says that we come from ${arrived.client}`)]
}

function judgeForged(forged: Sighting | null, direct: boolean): Finding[] {
  // If the proxy appended our address, and that is a trusted one, only we could forge the header.
  if (direct || forged?.forwardedFor?.trim() !== FORGED_ADDRESS) return []
  return [
    fail(
      'The proxy forwards an X-Forwarded-For sent by the client, so anyone can forge a client address',
      'Configure it to set the header itself (nginx: proxy_set_header X-Forwarded-For $remote_addr).',
    ),
  ]
}

/** Whether a hop, as a proxy writes it, is this address: IPv6 may be in brackets, and either may have a port. */
function isSame(hop: string, address: string): boolean {
  const bare = plain(hop.trim().replace(/^\[(.*)\](?::\d+)?$/, '$1'))
  return bare === address || bare.replace(/:\d+$/, '') === address
}

type Send = (action: CheckAction, options?: SendOptions) => Promise<Sent>

async function judgeBody(send: Send): Promise<Finding> {
  const advice = 'Raise its body size limit (nginx: client_max_body_size 0), or uploads to upstreams will fail.'
  const sent = await send('body', { method: 'POST', body: Buffer.alloc(BODY_BYTES) }).catch((error: unknown) => error)
  if (!isSent(sent)) return fail('A body of 2 MB does not get through: the connection was cut', advice)
  if (sent.status === 200 && sent.text === JSON.stringify({ bytes: BODY_BYTES }))
    return ok('A body of 2 MB gets through')
  return fail(
    `A body of 2 MB does not get through: ${sent.status === 413 ? 'the proxy refuses it' : 'the answer is'} (${sent.status})`,
    advice,
  )
}

async function judgeStream(send: Send): Promise<Finding> {
  const advice =
    'Live updates would arrive late or never. Turn off buffering and compression of text/event-stream (nginx: proxy_http_version 1.1, proxy_buffering off, and no proxy_ignore_headers X-Accel-Buffering).'
  // As browsers send it: a compressing proxy buffers a stream until a block is full.
  const sent = await send('stream', { headers: { 'Accept-Encoding': 'gzip, deflate, br' } }).catch(
    (error: unknown) => error,
  )
  if (!isSent(sent) || sent.status !== 200 || !STREAM_EVENTS.every(event => sent.text.includes(event))) {
    return fail('An event stream does not get through', advice)
  }
  const isBuffered = STREAM_EVENTS.some((event, n) => {
    const arrived = sent.arrivals.find(({ text }) => text.includes(event))?.at ?? sent.endedAt
    const rest = (STREAM_EVENTS.length - n) * STREAM_GAP_MS
    return sent.endedAt - arrived < rest - STREAM_GAP_MS / 2
  })
  return isBuffered ? fail('The proxy buffers event streams', advice) : ok('An event stream arrives without delay')
}

async function judgeSocket(publicUrl: string, token: string, deps: FrontDeps): Promise<Finding> {
  const { default: WebSocket } = await import('ws')
  const outcome = await new Promise<string>(done => {
    const url = `${publicUrl.replace(/^http/, 'ws')}${CHECK_PREFIX}socket`
    const socket = new WebSocket(url, {
      headers: { [CHECK_HEADER]: token },
      origin: publicUrl,
      handshakeTimeout: TIMEOUT_MS,
    })
    const late = setTimeout(() => socket.terminate(), TIMEOUT_MS)
    socket.on('open', () => socket.send('hello'))
    socket.on('message', () => done('heard'))
    socket.on('error', error => done(error.message))
    socket.on('close', () => {
      clearTimeout(late)
      done('it was closed before any data arrived')
    })
  })
  if (outcome === 'heard') return ok('A WebSocket gets through')
  const arrived = sightingOf((await deps.seen()) ?? { sightings: [], proxyProtocol: null }, 'socket')
  if (arrived !== null && !arrived.upgrade) {
    return fail(
      'The proxy does not forward WebSocket upgrades',
      'Enable them (nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade").',
    )
  }
  return warn(
    `A WebSocket does not get through (${outcome})`,
    'Configure the proxy to forward upgrades and keep the connection open (nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade").',
  )
}
