import { SECOND, systemClock } from './base/clock.ts'
import { logConsole } from './base/log-console.ts'
import { createLog, type Log } from './base/log.ts'
import { greet } from './bootstrap/greeting.ts'
import { startServer } from './bootstrap/start-server.ts'
import { builtSite, devSite } from './bootstrap/start-site.ts'
import { loadConfig } from './config/load-config.ts'
import { takeInheritedSockets } from './http/server/inherited-sockets.ts'
import type { AppFrontEnd } from './http/site/front-end.ts'
import { runningPage } from './http/site/site-handler.ts'
import { askToHandOver } from './ops/ask-to-hand-over.ts'

/** How long load balancers have, after a supervisor's signal, to notice that this server is no longer ready. */
const NOTICE_MS = 2 * SECOND
/** After this the pages have been loaded, and probably nobody is waiting. */
const SETTLED_MS = 3 * SECOND
/** The latest end of the process after a signal, whatever hangs. */
const STOP_MS = 25 * SECOND

/** How long the server whose place is taken may take to end. */
const HAND_OVER_MS = STOP_MS + 5 * SECOND

export interface MainOptions {
  dev: boolean
  /** Settings that the program passes; the environment's win. */
  settings?: object
  /** An application that renders in this process; null: the setting `site` decides. */
  app?: AppFrontEnd | null
  /** Whether a server that runs on the same data folder is asked to end. */
  takeOver?: boolean
  /** Called when the server has closed. */
  closed?: () => unknown
}

/**
 * Starts the server and returns once it listens; a signal then ends the process.
 * @throws OperatorError if it cannot start
 */
export async function main({ dev, settings = {}, app = null, takeOver = false, closed }: MainOptions): Promise<void> {
  const { sockets: inherited, meantFor } = takeInheritedSockets(process.env, process.pid)
  const loaded = await loadConfig(process.env, process.cwd(), settings)
  const log = createLog(loaded.config.logLevel)
  // An error in code that is being edited must not end the dev server.
  if (!dev) {
    endOnSurprises(log)
    logConsole(log)
  }
  const openSite = () => (dev ? devSite(log, loaded.config.publicUrl) : builtSite(log))
  if (meantFor !== null)
    log.warn(
      { event: 'inherited_sockets_ignored', meantFor },
      'LISTEN_FDS is for another process (LISTEN_PID), so its sockets are not used: start this one without a wrapper',
    )
  const { startWaitMs, dataDir } = loaded.config
  if (takeOver) await askToHandOver(dataDir, systemClock)
  const waitMs = takeOver ? Math.max(startWaitMs, HAND_OVER_MS) : startWaitMs
  const server = await startServer({ loaded, log, openSite, app, inherited, waitMs, end: () => process.exit(1) })
  try {
    await server.listen()
    // After Ctrl-C, there is nobody else to notify.
    endOnSignals(log, async signal => {
      await server.close(signal === 'SIGINT' ? 0 : NOTICE_MS)
      await closed?.()
    })
    server.services.handOver.allow(() => process.kill(process.pid, 'SIGTERM'))
    await greet(server.services)
    if (!dev) collectAfterStart()
  } catch (error) {
    await server.services.close()
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
