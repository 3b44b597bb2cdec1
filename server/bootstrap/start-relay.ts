import type { CallObserver } from '../base/call-observer.ts'
import { mustEnrol } from '../accounts/second-factor-policy.ts'
import { systemTimers } from '../base/clock.ts'
import type { Services } from './services.ts'
import { everyUpstream, plainHttpElsewhere } from '../config/plain-http.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { isOwnCookie } from '../http/request/own-cookies.ts'
import type { RunningProviders } from './start-providers.ts'
import { judgeValidity } from '../ops/upstream-doctor.ts'
import { createCredentials } from '../relay/credentials.ts'
import { createRelay, type Relay } from '../relay/relay.ts'
import { createStreams, type Streams } from '../relay/streams.ts'
import { createUpstreamTokens } from '../relay/upstream-tokens.ts'

export interface RunningRelay {
  relay: Relay
  streams: Streams
  close(): Promise<void>
}

/** Builds the relay and connects it to the ends of sessions. */
export function startRelay(
  services: Services,
  upstreams: readonly Upstream[],
  {
    vault,
    onGrantChanged,
    observer,
  }: Pick<RunningProviders, 'vault' | 'onGrantChanged'> & { observer: CallObserver | null },
): RunningRelay {
  const { config, clock, log, meter, sessions, signing, people } = services
  for (const { name, target } of plainHttpElsewhere(everyUpstream(config))) {
    log.warn(
      { event: 'upstream_plain_http', upstream: name, target: target.origin },
      'upstream on another machine uses plain http; its tokens and data can be read on the network',
    )
  }
  for (const { name, tls } of everyUpstream(config)) {
    for (const { what } of judgeValidity({ name, tls }, clock.now().wall))
      log.warn({ event: 'upstream_certificate_expires', upstream: name }, what)
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
    mustEnrol: (user, session) => mustEnrol(config.secondFactor, user, session),
    limits: config.streamLimits,
  })
  const credentials = createCredentials({ clock, tokens, vault })
  const relay = createRelay({
    clock,
    log,
    publicUrl: config.publicUrl,
    upstreams,
    frontEnd: config.site.kind === 'upstream' ? config.site.upstream : null,
    credentials,
    isOwnCookie,
    streams,
    observer,
  })
  meter.gauge('streams_open', () =>
    Object.entries(streams.countKinds()).map(([kind, value]) => ({ labels: { kind }, value })),
  )
  const stopListening = sessions.onEnded(ended => {
    tokens.forget(ended.publicId)
    credentials.forget(ended.publicId)
    streams.ended(ended.publicId, ended.reason)
  })
  people.accounts.onChanged(streams.accountChanged)
  // Deferred by a turn: if the session itself has ended, its streams end for that reason.
  onGrantChanged(sessionId => void setImmediate(() => streams.grantChanged(sessionId)))
  return {
    relay,
    streams,
    async close() {
      stopListening()
      await relay.close()
    },
  }
}
