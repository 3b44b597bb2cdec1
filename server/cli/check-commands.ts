import { setTimeout } from 'node:timers/promises'
import { SECOND, systemClock } from '../base/clock.ts'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from '../config/load-config.ts'
import { askServer } from '../ops/control-client.ts'
import type { Finding } from '../ops/finding.ts'
import { command, group } from './command.ts'
import { print, printJson, printTable } from './output.ts'
import { version } from '../base/version.ts'

const json = { type: 'boolean', description: 'Print JSON, for scripts' } as const

function printFindings(findings: readonly Finding[]): void {
  for (const { state, what, advice } of findings)
    print(`${state.padEnd(5)} ${what}`, ...(advice === null ? [] : [`      → ${advice}`]))
}

const check = command({
  name: 'porchlight config check',
  description: 'Show every setting with its source, or all problems',
  args: { json },
  async run(args) {
    const { config, file, report, renamed } = await loadConfig(process.env, process.cwd())
    const { examineClientKeys } = await import('../ops/provider-doctor.ts')
    const { judgeMetrics, judgeTestSignIn } = await import('../ops/doctor.ts')
    const { judgeAccent } = await import('../ops/brand-doctor.ts')
    const findings = [
      ...judgeMetrics(config),
      ...judgeTestSignIn(config),
      ...judgeAccent(config.brand),
      ...(await examineClientKeys(config, systemClock)),
    ]
    const isWrong = findings.some(finding => finding.state === 'fail')
    if (isWrong) process.exitCode = 1
    if (args.json) return printJson({ file, settings: report, renamed, findings })
    printTable(
      ['SETTING', 'ENVIRONMENT', 'VALUE', 'FROM'],
      report.map(setting => [setting.key, setting.variable, setting.value, setting.from]),
    )
    if (renamed.length > 0) print('', ...renamed.map(({ former, current }) => `${former} is called ${current} now.`))
    if (findings.length > 0) print('')
    printFindings(findings)
    print(
      '',
      `${file === null ? 'No configuration file.' : `Configuration file: ${file}.`}${isWrong ? '' : ' No problems found.'}`,
    )
  },
})

export const config = group('porchlight config', 'Settings', { check: async () => check })

const REACH_TIMEOUT_MS = 5000

/** null for an older server that does not know the command. */
function answered<T>(request: Promise<{ output: T } | null>): Promise<T | null> {
  return request.then(
    answer => answer?.output ?? null,
    (error: unknown) => {
      if (error instanceof OperatorError) return null
      throw error
    },
  )
}

export const doctor = command({
  name: 'porchlight doctor',
  description: 'Check for common problems, and say how to fix them',
  args: { json },
  async run(args) {
    const { config } = await loadConfig(process.env, process.cwd())
    const { examine } = await import('../ops/doctor.ts')
    const findings = await examine({
      version,
      config,
      clock: systemClock,
      serverRuns: (await askServer(config.dataDir, 'status', {})) !== null,
      outbox: (await answered(askServer(config.dataDir, 'doctor.outbox', {}))) ?? [],
      front: {
        begin: () => answered(askServer(config.dataDir, 'doctor.begin', {})),
        seen: () => answered(askServer(config.dataDir, 'doctor.seen', {})),
      },
      fetchPublic: path =>
        fetch(config.publicUrl + path, { redirect: 'manual', signal: AbortSignal.timeout(REACH_TIMEOUT_MS) }),
    })
    if (args.json) printJson(findings)
    else printFindings(findings)
    if (findings.some(finding => finding.state === 'fail')) process.exitCode = 1
  },
})

/** Below the limits of container runtimes (30 s) and supervisors, which would otherwise report only that it hung. */
const HEALTH_TIMEOUT_MS = 5 * SECOND
const BETWEEN_ASKS_MS = SECOND / 4

function wholeNumber(option: string, text: string | undefined): number | null {
  if (text === undefined) return null
  if (!/^\d{1,9}$/.test(text)) throw new OperatorError(`${option} takes a whole number, not ${text}.`)
  return Number(text)
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Another user's process lives, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

export const healthcheck = command({
  name: 'porchlight healthcheck',
  description: 'Exit with status 0 if the server on this machine can serve; for containers and supervisors',
  args: {
    wait: { type: 'string', valueHint: 'SECONDS', description: 'Ask again until it can, for so long at most' },
    pid: { type: 'string', valueHint: 'PID', description: 'With --wait: give up when this process has ended' },
  },
  async run(args) {
    const waitMs = SECOND * (wholeNumber('--wait', args.wait) ?? 0)
    const pid = wholeNumber('--pid', args.pid)
    const { config } = await loadConfig(process.env, process.cwd())
    const { whyNotReady } = await import('../ops/ask-readiness.ts')
    const listening = async () => {
      const status = await answered(askServer(config.dataDir, 'status', {}, HEALTH_TIMEOUT_MS))
      // An older server does not say.
      return status?.listening ?? []
    }
    const until = systemClock.now().steady + waitMs
    let reason = await whyNotReady(config, HEALTH_TIMEOUT_MS, listening)
    while (reason !== null && systemClock.now().steady < until) {
      if (pid !== null && !lives(pid)) throw new OperatorError(`Process ${pid} has ended.`)
      await setTimeout(BETWEEN_ASKS_MS)
      reason = await whyNotReady(config, HEALTH_TIMEOUT_MS, listening)
    }
    if (reason !== null) throw new OperatorError(reason)
    print('ready')
  },
})
