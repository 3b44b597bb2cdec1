import type { Server } from 'node:http'
import { createApp } from './bootstrap/app.ts'
import { SECOND, systemClock, systemTimers } from './base/clock.ts'
import { logConsole } from './base/log-console.ts'
import { createLog, type Log } from './base/log.ts'
import { type Meter, noMeter } from './base/meter.ts'
import { buildServices, type Services } from './bootstrap/services.ts'
import { loadConfig } from './config/load-config.ts'
import type { Config } from './config/types.ts'
import { drain, giveNotice, settlesWithin } from './http/server/drain.ts'
import { DEMO_PAGES } from './contract/demo/pages.ts'
import { orFrontEnd } from './http/site/upstream-front-end.ts'
import { openFrontEnd } from './http/site/front-end.ts'
import { greet } from './bootstrap/greeting.ts'
import { createWriteRate } from './http/steps/limit-writes.ts'
import { listenOn } from './http/server/listen.ts'
import { createReturnPaths } from './http/request/return-paths.ts'
import { runningPage } from './http/site/site-handler.ts'
import { authRoutes } from './http/routes/auth-routes.ts'
import { openKeptForm } from './http/routes/kept-form.ts'
import { buildSignIn } from './bootstrap/build-sign-in.ts'
import { builtSite, devSite } from './bootstrap/start-site.ts'
import { startControl } from './ops/control.ts'
import { createReadiness } from './ops/health.ts'
import { followFormerIssuers, startProviders } from './bootstrap/start-providers.ts'
import { startDemo } from './bootstrap/start-demo.ts'
import { startRelay } from './bootstrap/start-relay.ts'
import { createReachability } from './relay/reachability.ts'
import { startHousekeeping } from './ops/housekeeping.ts'
import { startIntegrityCheck } from './ops/integrity-watch.ts'

/** How long load balancers have, after a supervisor's signal, to notice that this server is no longer ready. */
const NOTICE_MS = 2 * SECOND
/** How long requests may continue after that. */
const DRAIN_MS = 10 * SECOND
/** After this the pages have been loaded, and probably nobody is waiting. */
const SETTLED_MS = 3 * SECOND
/** How long each part may take to close. */
const CLOSE_MS = 2 * SECOND
/** The latest end of the process after a signal, whatever hangs. */
const STOP_MS = 25 * SECOND

/**
 * Starts the server and returns once it listens; a signal then ends the process.
 * @throws OperatorError if it cannot start
 */
export async function main({ dev }: { dev: boolean }): Promise<void> {
  const { config, renamed } = await loadConfig(process.env, process.cwd())
  const log = createLog(config.logLevel)
  for (const { former, current } of renamed)
    log.warn({ event: 'setting_renamed', former, current }, 'a setting is written by a former name')
  for (const { scheme, colour } of config.brand.adapted)
    log.warn(
      { event: 'brand_accent_adapted', accent: config.brand.accent, scheme, colour },
      'the accent is hard to read in one theme, so links and focus rings use another colour there',
    )
  // An error in code that is being edited must not end the dev server.
  if (!dev) {
    endOnSurprises(log)
    logConsole(log)
  }
  const metrics = await prepareMetrics(config)
  const services = await buildServices({ config, clock: systemClock, log, meter: metrics.meter, what: 'the server' })
  try {
    const closeMetrics = await metrics.serve()
    // Before the site is built, which may take a minute, because commands need no site.
    const closeControl = await startControl(services)
    // A preset code works from the first request on: nobody has to see a link first.
    if (config.setupCode !== null && (await services.people.accounts.needsSetup()))
      await services.people.registration.makeSetupLink()
    const running = await serve(services, dev)
    endOnSignals(log, async signal => {
      // A command in progress may take long; neither requests nor the shutdown wait for it.
      const controlClosed = closeControl()
      // After Ctrl-C, there is nobody else to notify.
      await running.stop(signal === 'SIGINT' ? 0 : NOTICE_MS)
      await settlesWithin(Promise.all([controlClosed, closeMetrics()]), SECOND)
    })
    await greet(services)
    if (!dev) collectAfterStart()
  } catch (error) {
    await services.close()
    throw error
  }
}

/**
 * Collects once what the start leaves behind (sources, and what compiled them), which V8 would keep for days on a quiet
 * site.
 */
function collectAfterStart(): void {
  setTimeout(
    () => void globalThis.gc?.({ type: 'major', execution: 'async', flavor: 'last-resort' }),
    SETTLED_MS,
  ).unref()
}

async function serve(services: Services, dev: boolean): Promise<{ stop(noticeMs: number): Promise<void> }> {
  const { config, clock, log, people, store } = services
  const { keyring } = services.keys
  const frontEnd = await openFrontEnd(config.site, clock, log)
  const writeRate = createWriteRate(clock)
  let draining = false
  const site = dev ? await devSite(log, config.publicUrl) : await builtSite(log)
  await followFormerIssuers(services)
  const elsewhere = startProviders(services)
  const { vault } = elsewhere
  const demo = await startDemo(services)
  const upstreams = demo === null ? config.upstreams : [demo.upstream]
  const running = startRelay(services, upstreams, elsewhere)
  const { relay } = running
  const returnPaths = createReturnPaths(orFrontEnd(relay.match, frontEnd, config.demo ? DEMO_PAGES : []))
  const makeServer = createApp({
    ...services,
    relay,
    findUser: people.accounts.findActive,
    openForm: sealed => openKeptForm(keyring, sealed, clock.now().wall),
    readiness: createReadiness({ clock, touch: store.maintenance.touch, draining: () => draining }),
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
    frontEnd,
    returnPaths,
    clientScript: site.clientScript,
    site: site.mount,
  })
  const servers: Server[] = await listenOn(config.hosts, config.port, makeServer, log)
  site.opened(servers)
  const housekeeping = startHousekeeping({ ...services, timers: systemTimers, vault })
  const stopCheck = startIntegrityCheck({ store: store.maintenance, log, timers: systemTimers }, () => process.exit(1))

  return {
    async stop(noticeMs) {
      draining = true
      stopCheck()
      log.info({ event: 'server_stopping' }, 'stopping; finishing requests in progress')
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
      await settlesWithin(elsewhere.close(), CLOSE_MS)
      await services.close()
    },
  }
}

/** The metrics library is only loaded if enabled. Its port is opened once it is certain that this server may run. */
async function prepareMetrics({
  metricsPort,
}: Config): Promise<{ meter: Meter; serve(): Promise<() => Promise<void>> }> {
  if (metricsPort === null) return { meter: noMeter, serve: async () => async () => {} }
  const { createMetrics } = await import('./ops/metrics.ts')
  const metrics = createMetrics()
  return { meter: metrics.meter, serve: async () => (await metrics.serve(metricsPort)).close }
}

/** The first signal shuts down gracefully, a second one at once. */
function endOnSignals(log: Log, stop: (signal: NodeJS.Signals) => Promise<void>): void {
  let stopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1)
    stopping = true
    setTimeout(() => {
      log.error({ event: 'stop_timed_out', seconds: STOP_MS / SECOND }, 'stopping took too long; exiting now')
      process.exit(1)
    }, STOP_MS).unref()
    stop(signal).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ event: 'stop_failed', error }, 'failed to stop cleanly')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  // A closed terminal, or a supervisor that only knows this signal.
  process.on('SIGHUP', onSignal)
  process.on('SIGINT', onSignal)
}

/** After an uncaught error the process is in an unknown state, so it ends for a supervisor to start a new one. */
function endOnSurprises(log: Log): void {
  const end = (error: unknown) => {
    log.error({ event: 'uncaught_error', error }, 'uncaught error; exiting')
    process.exit(1)
  }
  process.on('uncaughtException', end)
  // A promise that a page does not await holds no server state: its failure only concerns that page.
  process.on('unhandledRejection', error => {
    const page = runningPage()
    if (page === null) end(error)
    else page.report(error)
  })
}
