import { systemClock } from '../base/clock.ts'
import { loadConfig } from '../config/load.ts'
import { askServer } from '../ops/control-client.ts'
import { command, group } from './command.ts'
import { print, printJson, printTable } from './output.ts'
import { version } from './version.ts'

const json = { type: 'boolean', description: 'Print JSON, for scripts' } as const

const check = command({
  name: 'porchlight config check',
  description: 'Show every setting, what it is and where that is written, or everything that is wrong',
  args: { json },
  async run(args) {
    const { file, report } = await loadConfig(process.env, process.cwd())
    if (args.json) return printJson({ file, settings: report })
    printTable(['SETTING', 'ENVIRONMENT', 'VALUE', 'FROM'], report.map(one => [one.key, one.variable, one.value, one.from]))
    print('', file === null ? 'There is no configuration file. Nothing is wrong.' : `Configuration file: ${file}. Nothing is wrong.`)
  },
})

export const config = group('porchlight config', 'Settings', { check: async () => check })

const REACH_TIMEOUT_MS = 5000

export const doctor = command({
  name: 'porchlight doctor',
  description: 'Look at everything that tends to be wrong, and say what to do',
  args: { json },
  async run(args) {
    const { config } = await loadConfig(process.env, process.cwd())
    const { examine } = await import('../ops/doctor.ts')
    const findings = await examine({
      version,
      config,
      clock: systemClock,
      serverRuns: await askServer(config.dataDir, 'status', {}) !== null,
      fetchPublic: path => fetch(config.publicUrl + path, { redirect: 'manual', signal: AbortSignal.timeout(REACH_TIMEOUT_MS) }),
    })
    if (args.json) printJson(findings)
    else for (const { state, what, advice } of findings) print(`${state.padEnd(5)} ${what}`, ...(advice === null ? [] : [`      → ${advice}`]))
    if (findings.some(finding => finding.state === 'fail')) process.exitCode = 1
  },
})
