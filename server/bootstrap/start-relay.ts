import { systemTimers } from '../base/clock.ts'
import type { Services } from './services.ts'
import { everyUpstream, plainHttpElsewhere } from '../config/plain-http.ts'
import { toUpstream } from '../config/upstream-settings.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { isOwnCookie } from '../http/request/own-cookies.ts'
import type { RunningProviders } from './start-providers.ts'
import { createCredentials } from '../relay/credentials.ts'
import { createRelay, type Relay } from '../relay/relay.ts'
import { createStreams, type Streams } from '../relay/streams.ts'
import { createUpstreamTokens } from '../relay/upstream-tokens.ts'

const SAMPLE = 'notes'

export interface RunningRelay {
  relay: Relay
  streams: Streams
  upstreams: readonly Upstream[]
  /** Whether the sample stands in for upstreams of one's own. */
  sampleRuns: boolean
  close(): Promise<void>
}

/** Builds the relay, connects it with the ends of sessions, and starts the sample where nothing is configured. */
export async function startRelay(
  services: Services,
  { vault, onGrantChanged }: Pick<RunningProviders, 'vault' | 'onGrantChanged'>,
): Promise<RunningRelay> {
  const { config, clock, log, sessions, signing, people } = services
  const sample = config.upstreams.length === 0 && config.loopback ? await sampleUpstream(services) : null
  const upstreams = sample === null ? config.upstreams : [sample.upstream]
  for (const { name, target } of plainHttpElsewhere(everyUpstream(config))) {
    log.warn(
      { event: 'upstream_plain_http', upstream: name, target: target.origin },
      'upstream on another machine uses plain http; its tokens and data can be read on the network',
    )
  }
  const tokens = createUpstreamTokens({
    clock,
    signing,
    publicUrl: config.publicUrl,
    upstreamTokenMs: config.upstreamTokenMs,
  })
  const streams = createStreams({
    clock,
    timers: systemTimers,
    log,
    endIfOver: sessions.endIfOver,
    findUser: people.accounts.findActive,
    limits: config.streamLimits,
  })
  const credentials = createCredentials({ clock, tokens, vault })
  const relay = createRelay({ clock, publicUrl: config.publicUrl, upstreams, credentials, isOwnCookie, streams })
  const stopListening = sessions.onEnded(ended => {
    tokens.forget(ended.publicId)
    credentials.forget(ended.publicId)
    streams.ended(ended.publicId, ended.reason)
  })
  people.accounts.onChanged(streams.accountChanged)
  // A turn later: where the session itself has ended, its streams end for that reason.
  onGrantChanged(sessionId => void setImmediate(() => streams.grantChanged(sessionId)))
  return {
    relay,
    streams,
    upstreams,
    sampleRuns: sample !== null,
    async close() {
      stopListening()
      await relay.close()
      await sample?.close()
    },
  }
}

async function sampleUpstream({
  config,
  clock,
  log,
}: Services): Promise<{ upstream: Upstream; close(): Promise<void> }> {
  const { startSample } = await import('../demo/notes/sample.ts')
  // As any API would: by an inner address, which for the keys needs no public name.
  const inner = config.hosts[0]?.includes(':') ? `[${config.hosts[0]}]` : config.hosts[0]
  const sample = await startSample({
    dataDir: config.dataDir,
    issuer: config.publicUrl,
    audience: SAMPLE,
    clock,
    log,
    jwks: new URL(`http://${inner}:${config.port}/.well-known/jwks.json`),
  })
  return {
    upstream: toUpstream(
      {
        name: SAMPLE,
        target: `${sample.origin}/notes`,
        websocket: true,
        title: 'Notes',
        description: 'A small sample API, until you add your own.',
        icon: 'notebook-pen',
        ...(config.site.kind === 'own' ? { page: '/notes' } : {}),
      },
      config.streamMaxMs,
    ),
    close: sample.close,
  }
}
