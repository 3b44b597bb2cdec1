import type { Server } from 'node:http'
import { SECOND, systemClock, systemTimers } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { version } from '../base/version.ts'
import { isLoopback } from '../config/address.ts'
import type { Loaded } from '../config/load-config.ts'
import { DEMO_PAGES } from '../contract/demo/pages.ts'
import { drain, giveNotice, settlesWithin, stopAccepting } from '../http/server/drain.ts'
import type { InheritedSocket } from '../http/server/inherited-sockets.ts'
import { listenOn } from '../http/server/listen.ts'
import { createReturnPaths } from '../http/request/return-paths.ts'
import { type AppFrontEnd, openApp, openFrontEnd } from '../http/site/front-end.ts'
import { orFrontEnd } from '../http/site/upstream-front-end.ts'
import { createWriteRate } from '../http/steps/limit-writes.ts'
import { authRoutes } from '../http/routes/auth-routes.ts'
import { loadDescription } from '../http/openapi/load-description.ts'
import { tailorDescription } from '../http/openapi/tailor-description.ts'
import { openKeptForm } from '../http/routes/kept-form.ts'
import { registerGauges } from '../ops/gauges.ts'
import { startControl } from '../ops/control.ts'
import { createReadiness } from '../ops/health.ts'
import { startHousekeeping } from '../ops/housekeeping.ts'
import { startIntegrityCheck } from '../ops/integrity-watch.ts'
import { createReachability } from '../relay/reachability.ts'
import { type App, createApp } from './app.ts'
import { buildServices, type Services } from './services.ts'
import { buildSignIn } from './build-sign-in.ts'
import { startDemo } from './start-demo.ts'
import { followFormerIssuers, startProviders } from './start-providers.ts'
import { startMail } from './start-mail.ts'
import { startRelay } from './start-relay.ts'
import type { MainSite } from './start-site.ts'
import { openTelemetry, type Telemetry } from './telemetry.ts'

/** How long requests may continue after the end was announced. */
const DRAIN_MS = 10 * SECOND
/** How long each part may take to close. */
const CLOSE_MS = 2 * SECOND

export interface StartedServer extends Pick<App, 'handle' | 'upgrade'> {
  services: Services
  /** @throws OperatorError if a port cannot be used; nothing is closed then */
  listen(): Promise<void>
  /**
   * Finishes what is in progress and releases the data folder. Never rejects for what hangs, but leaves it.
   * @param noticeMs how long the server continues as one that is no longer ready
   */
  close(noticeMs: number): Promise<void>
}

export interface StartOptions {
  loaded: Pick<Loaded, 'config' | 'renamed'>
  log: Log
  /** Called once it is certain that this process may use the data folder, because a build may take a minute. */
  openSite: () => Promise<MainSite>
  /** Sockets of a supervisor, on which to listen in place of the configured addresses. */
  inherited: readonly InheritedSocket[]
  /** How long to wait for another process to release the data folder. */
  waitMs: number
  /** An application that renders in this process, in place of the setting `site`; null: none. */
  app: AppFrontEnd | null
  /** Called when the database turns out to be damaged: the process must not go on. */
  end: () => void
}

/**
 * Opens the data folder and builds everything that runs on it; no port is open yet.
 * @throws OperatorError if it cannot start; nothing is left open then
 */
export async function startServer(options: StartOptions): Promise<StartedServer> {
  const { loaded, log, waitMs } = options
  const { config, renamed } = loaded
  for (const { former, current } of renamed)
    log.warn({ event: 'setting_renamed', former, current }, 'a setting is written by a former name')
  for (const { scheme, colour } of config.brand.adapted)
    log.warn(
      { event: 'brand_accent_adapted', accent: config.brand.accent, scheme, colour },
      'the accent is hard to read in one theme, so links and focus rings use another colour there',
    )
  if (config.testSignIn !== null)
    log.warn(
      { event: 'test_sign_in_enabled' },
      'test sign-in is on: whoever knows PORCHLIGHT_TEST_SIGN_IN can sign in with any roles',
    )
  if (config.metrics !== null && !isLoopback(config.metrics.host))
    log.warn(
      { event: 'metrics_exposed', host: config.metrics.host, port: config.metrics.port },
      'anyone who can reach this address can read the metrics',
    )
  const telemetry = await openTelemetry(config, { clock: systemClock, log })
  const { meter, tracing } = telemetry
  const services = await buildServices({ config, clock: systemClock, log, meter, tracing, what: 'the server', waitMs })
  let closeMetrics = async () => {}
  let closeControl = async () => {}
  try {
    closeMetrics = await telemetry.serve()
    // Before the site is built, because commands need no site.
    closeControl = await startControl(services)
    // A preset code works from the first request on: nobody has to see a link first.
    if (config.setupCode !== null && (await services.people.accounts.needsSetup()))
      await services.people.registration.makeSetupLink()
    const server = await assemble(services, telemetry, options)
    return {
      ...server,
      services,
      async close(noticeMs) {
        // A command in progress may take long; neither requests nor the shutdown wait for it.
        const controlClosed = closeControl()
        await server.close(noticeMs)
        await settlesWithin(Promise.all([controlClosed, closeMetrics()]), SECOND)
        await settlesWithin(telemetry.close(), CLOSE_MS)
      },
    }
  } catch (error) {
    await Promise.all([closeControl(), closeMetrics(), telemetry.close()])
    await services.close()
    throw error
  }
}

async function assemble(
  services: Services,
  telemetry: Telemetry,
  { openSite, app: application, end, inherited }: StartOptions,
): Promise<Omit<StartedServer, 'services'>> {
  const { config, clock, log, meter, people, store, listening } = services
  const { keyring } = services.keys
  const frontEnd = await (application === null
    ? openFrontEnd(config.site, clock, log)
    : openApp(application, config.site, clock, log))
  const writeRate = createWriteRate(clock)
  let draining = false
  const site = await openSite()
  await followFormerIssuers(services)
  const elsewhere = startProviders(services, telemetry.providerCalls)
  const { vault } = elsewhere
  const demo = inherited.length > 0 ? null : await startDemo(services)
  const mailer = await startMail(services)
  const upstreams = demo === null ? config.upstreams : [demo.upstream]
  const running = startRelay(services, upstreams, { ...elsewhere, observer: telemetry.upstreamCalls })
  const { relay } = running
  const returnPaths = createReturnPaths(orFrontEnd(relay.match, frontEnd, config.demo ? DEMO_PAGES : []))
  const readiness = createReadiness({ clock, touch: store.maintenance.touch, draining: () => draining })
  meter.gauge('ready', async () => ((await readiness()) === null ? 1 : 0))
  registerGauges(meter, services, version)
  const app = createApp({
    ...services,
    tracer: telemetry.tracing?.tracer ?? null,
    relay,
    findUser: people.accounts.findActive,
    openForm: sealed => openKeptForm(keyring, sealed, clock.now().wall),
    readiness,
    draining: () => draining,
    writeRate,
    backchannelLogout: elsewhere.logouts.backchannel,
    authRoutes: authRoutes({
      ...services,
      keyring,
      writeRate,
      ...elsewhere,
      ...buildSignIn(services, elsewhere),
      proof: demo?.proof ?? null,
      upstreams,
      returnPaths,
      streams: running.streams,
      reachable: createReachability(clock),
    }),
    describeCalls: async () =>
      tailorDescription(await loadDescription(), {
        ...config,
        without: [
          ...(demo === null ? ['Demo' as const] : []),
          ...(config.testSignIn === null ? ['Tests' as const] : []),
        ],
      }),
    frontEnd,
    passkeysOffered: people.passkeys !== null,
    returnPaths,
    clientScript: site.clientScript,
    site: site.mount,
  })
  const servers: Server[] = []
  const housekeeping = startHousekeeping({ ...services, timers: systemTimers, vault })
  const stopCheck = startIntegrityCheck({ store: store.maintenance, log, timers: systemTimers }, end)

  return {
    handle: app.handle,
    upgrade: app.upgrade,
    async listen() {
      const listeners = await listenOn(config, inherited, app.createServer, log)
      servers.push(...listeners.map(({ server }) => server))
      listening.push(...listeners.map(({ address }) => address))
      site.opened(servers)
    },
    async close(noticeMs) {
      draining = true
      stopCheck()
      log.info({ event: 'server_stopping' }, 'stopping; finishing requests in progress')
      if (inherited.length > 0) stopAccepting(servers)
      await giveNotice(servers, noticeMs)
      relay.closeStreams()
      const inTime = await drain(servers, DRAIN_MS)
      if (!inTime)
        log.warn(
          { event: 'requests_cut_off', seconds: DRAIN_MS / SECOND },
          'some requests took too long and were cut off',
        )
      await settlesWithin(site.close(), CLOSE_MS)
      await settlesWithin(running.close(), CLOSE_MS)
      if (demo !== null) await settlesWithin(demo.close(), CLOSE_MS)
      await settlesWithin(housekeeping.stop(), CLOSE_MS)
      if (mailer !== null) await settlesWithin(mailer.stop(), CLOSE_MS)
      await settlesWithin(elsewhere.close(), CLOSE_MS)
      await services.close()
    },
  }
}
