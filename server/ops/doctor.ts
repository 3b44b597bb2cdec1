import { existsSync, statfsSync } from 'node:fs'
import { type Clock, DAY, MINUTE } from '../base/clock.ts'
import { OperatorError } from '../base/operator-error.ts'
import { isLoopback, isWide } from '../config/address.ts'
import type { Config } from '../config/types.ts'
import { DISPLAY_NAME } from '../contract/name.ts'
import { databaseFile } from '../store/sqlite/files.ts'
import { ownerOf } from './permissions.ts'
import { examineProviders } from './provider-doctor.ts'
import { judgeBrand } from './brand-doctor.ts'
import { inspectInstalled, type Inspection } from '../store/sqlite/inspect.ts'
import { fail, type Finding, ok, warn } from './finding.ts'
import { examineFront, type FrontDeps, judgeFailure } from './front-doctor.ts'
import { judgeSocket } from './socket-doctor.ts'
import { judgeKeys } from './key-doctor.ts'
import { examineMail } from './mail-doctor.ts'
import { exposures } from './privacy.ts'
import { examineUpstreams } from './upstream-doctor.ts'

export interface DoctorDeps {
  /** This program's version. */
  version: string
  config: Config
  clock: Clock
  /** Whether a server answers on the control socket. */
  serverRuns: boolean
  /** GET of a path below the public URL. */
  fetchPublic: (path: string) => Promise<{ status: number; headers: Headers }>
  /** What the running server says of its mail. */
  outbox: readonly Finding[]
  /** What the running server received of requests through its public URL. */
  front: FrontDeps
}

const MEGABYTE = 1024 * 1024
const LEAST_FREE_BYTES = 20 * MEGABYTE
const LOW_FREE_BYTES = 500 * MEGABYTE

/** Checks what commonly goes wrong, and changes nothing. */
export async function examine(deps: DoctorDeps): Promise<Finding[]> {
  const { config, clock } = deps
  // Before opening the database, which may create and remove its write-ahead log.
  const privacy = judgePrivacy(config)
  const database = inspectDatabase(config.dataDir)
  return [
    ok(`${DISPLAY_NAME} ${deps.version}, on Node ${process.versions.node}`),
    ...judgeAddress(config),
    ...judgeBrand(config.brand),
    ...(await examineUpstreams(config, clock)),
    ...judgeSocket(config, deps.serverRuns),
    ...judgeMetrics(config),
    ...judgeTestSignIn(config),
    ...(await judgeReach(deps)),
    ...judgeFolder(config),
    ...privacy,
    ...database.findings,
    ...judgeKeys(config, database.inspection, clock.now().wall),
    ...(database.inspection === null ? [] : judgeClock(clock.now().wall, database.inspection.newestAt)),
    ...(await examineProviders(config, clock)),
    ...(await examineMail(config.mail)),
    ...deps.outbox,
  ]
}

/** Exported for its tests. */
export function judgeAddress({
  publicUrl,
  loopback,
  secureCookies,
  trustedProxies,
  hosts,
}: Pick<Config, 'publicUrl' | 'loopback' | 'secureCookies' | 'trustedProxies' | 'hosts'>): Finding[] {
  const findings = [ok(`Public URL ${publicUrl}`)]
  if (secureCookies) findings.push(ok('Cookies: Secure, with the __Host- prefixes'))
  else if (loopback)
    findings.push(
      warn(
        'Cookies: plain http on this machine, so neither Secure nor prefixed',
        'Fine for trying it out. For other users, set PORCHLIGHT_PUBLIC_URL to an https address.',
      ),
    )
  else
    findings.push(
      warn(
        'Cookies: plain http, so anyone on the network can read passwords and take over sessions',
        'Put a proxy with TLS in front and set PORCHLIGHT_PUBLIC_URL to its https address.',
      ),
    )
  // Peers on a unix socket are trusted.
  if (!loopback && trustedProxies.length === 0 && hosts.length > 0) {
    findings.push(
      warn(
        'No trusted proxies: behind a proxy, all clients seem to have its address and share one limit on failed sign-ins',
        "Set PORCHLIGHT_TRUSTED_PROXIES to the proxy's address, unless there is none.",
      ),
    )
  }
  const wide = trustedProxies.filter(isWide)
  if (wide.length > 0)
    findings.push(
      warn(
        `A large part of the internet counts as trusted proxies (${wide.join(', ')}), so anyone can forge a client address`,
        "List only your proxy's address in PORCHLIGHT_TRUSTED_PROXIES.",
      ),
    )
  return findings
}

/** Also part of `config check`. */
export function judgeMetrics({ metrics }: Pick<Config, 'metrics'>): Finding[] {
  if (metrics === null || isLoopback(metrics.host)) return []
  return [
    warn(
      `Anyone who can reach ${metrics.host}, port ${metrics.port}, can read the metrics`,
      'Let only Prometheus reach it (a firewall, an internal network), or leave PORCHLIGHT_METRICS_HOST unset.',
    ),
  ]
}

/** Also part of `config check`. */
export function judgeTestSignIn({ testSignIn }: Pick<Config, 'testSignIn'>): Finding[] {
  if (testSignIn === null) return []
  return [
    warn(
      'Test sign-in is on: whoever knows PORCHLIGHT_TEST_SIGN_IN can sign in with any roles',
      'Right for tests of your app on this machine. Unset it anywhere else.',
    ),
  ]
}

async function judgeReach({ config, clock, serverRuns, fetchPublic, front }: DoctorDeps): Promise<Finding[]> {
  if (!serverRuns)
    return [
      warn(
        'No server is running on this data folder',
        'Start it with porchlight start. Then run the doctor again to check that it can be reached.',
      ),
    ]
  const found = await examineFront(config, clock, front)
  // Further requests through it would reveal nothing new.
  if (found.length === 1 && found[0]?.state === 'fail') return found
  try {
    const [session, ready] = [await fetchPublic('/auth/session'), await fetchPublic('/readyz')]
    return [
      ...judgeAnswer(config, session),
      ...found,
      ready.status === 200
        ? ok('The server is ready')
        : fail(
            `The server is not ready (${ready.status})`,
            'Check its log: the database is not writable, or the server is stopping.',
          ),
    ]
  } catch (error) {
    return [judgeFailure(config, error instanceof Error && error.cause instanceof Error ? error.cause : error)]
  }
}

/** Exported for its tests. */
export function judgeAnswer(
  { publicUrl, secureCookies }: Pick<Config, 'publicUrl' | 'secureCookies'>,
  { status, headers }: { status: number; headers: Headers },
): Finding[] {
  if (status === 421)
    return [
      fail(
        'The proxy does not forward the Host header that browsers send',
        `Configure it to send "Host: ${new URL(publicUrl).host}".`,
      ),
    ]
  if (status !== 200)
    return [
      fail(
        `${publicUrl} answers ${status}, not the site`,
        'Something else may be listening there, or the proxy may point elsewhere.',
      ),
    ]
  const findings = [ok('Reached through the public URL, with the right Host')]
  if (secureCookies && !isLoopback(new URL(publicUrl).hostname) && !headers.has('strict-transport-security'))
    findings.push(
      warn('The proxy removes Strict-Transport-Security', 'Configure the proxy to keep our response headers.'),
    )
  if (!headers.get('cache-control')?.includes('no-store'))
    findings.push(
      warn(
        'The proxy changes Cache-Control',
        "Configure it to keep our response headers: a cache could otherwise serve one person's page to another.",
      ),
    )
  return findings
}

function judgeFolder({ dataDir }: Config): Finding[] {
  if (!existsSync(dataDir))
    return [warn(`The data folder ${dataDir} does not exist yet`, 'It is created at the first start.')]
  const free = statfsSync(dataDir)
  const bytes = free.bavail * free.bsize
  return [
    ok(`Data folder ${dataDir}`),
    bytes < LEAST_FREE_BYTES
      ? fail(
          `Only ${Math.floor(bytes / MEGABYTE)} MB are free on its disk`,
          'Free up space: a full disk stops sign-in and renewal.',
        )
      : bytes < LOW_FREE_BYTES
        ? warn(`${Math.floor(bytes / MEGABYTE)} MB are free on its disk`, 'Free up space soon.')
        : ok('Enough free space on its disk'),
  ]
}

function judgePrivacy(config: Config): Finding[] {
  const found = exposures(config, ownerOf(config.dataDir)).map(({ what, mend, fatal }) =>
    fatal ? fail(what, mend) : warn(what, mend),
  )
  return found.length > 0 ? found : [ok('Data and keys can only be read and changed by their owner')]
}

function inspectDatabase(dataDir: string): { findings: Finding[]; inspection: Inspection | null } {
  const file = databaseFile(dataDir)
  if (!existsSync(file))
    return { findings: [warn('There is no database yet', 'It is created at the first start.')], inspection: null }
  try {
    const inspection = inspectInstalled(dataDir)
    const findings = [
      inspection.behind > 0
        ? warn('The database will be migrated at the next start', 'A copy is made first; no action needed.')
        : ok(`Database OK (SQLite ${inspection.sqliteVersion}, ${(inspection.bytes / MEGABYTE).toFixed(1)} MB)`),
    ]
    return { findings, inspection }
  } catch (error) {
    if (error instanceof OperatorError)
      return { findings: [fail(error.message, error.advice.join(' '))], inspection: null }
    throw error
  }
}

/**
 * Exported for its tests.
 * @param newestAt the latest time recorded in the database
 */
export function judgeClock(now: number, newestAt: number | null): Finding[] {
  if (newestAt !== null && newestAt > now + 5 * MINUTE)
    return [
      fail(
        `The clock is behind: the database contains an event ${Math.ceil((newestAt - now) / MINUTE)} minutes from now`,
        'Set the clock and keep it synchronised (NTP).',
      ),
    ]
  if (newestAt !== null && now - newestAt > 400 * DAY)
    return [warn('According to the clock, nothing has happened for over a year', 'If that is wrong, set the clock.')]
  return [ok(`Clock ${new Date(now).toISOString()}`)]
}
