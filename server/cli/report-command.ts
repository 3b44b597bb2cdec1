import { systemClock } from '../base/clock.ts'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from '../config/load-config.ts'
import type { Level } from '../ops/report/asvs-levels.ts'
import type { Report, Standard } from '../ops/report/make-report.ts'
import { command } from './command.ts'
import { print, printJson } from './output.ts'

const REACH_TIMEOUT_MS = 5000
const FORMATS = ['text', 'json', 'html'] as const
const LEVELS = ['1', '2', '3'] as const

export const report = command({
  name: 'porchlight report',
  description: 'Say which requirements of RFC 10017 and OWASP ASVS 5.0 this installation meets',
  args: {
    format: { type: 'string', description: 'text, json or html', default: 'text' },
    level: { type: 'string', description: 'ASVS up to this level: 1, 2 or 3', default: '2' },
    standard: { type: 'string', description: 'Only one of them: rfc10017 or asvs' },
    strict: { type: 'boolean', description: 'Exit with status 1 if something is not met' },
  },
  async run(args) {
    const { makeReport, STANDARDS } = await import('../ops/report/make-report.ts')
    const format = oneOf('format', FORMATS, args.format)
    const level = Number(oneOf('level', LEVELS, args.level)) as Level
    const standards: readonly Standard[] =
      args.standard === undefined ? STANDARDS : [oneOf('standard', STANDARDS, args.standard)]
    const { config } = await loadConfig(process.env, process.cwd())
    const { gatherFacts } = await import('../ops/report/gather-facts.ts')
    const facts = await gatherFacts({
      config,
      clock: systemClock,
      nodeEnv: process.env['NODE_ENV'],
      fetchPublic: path =>
        fetch(config.publicUrl + path, { redirect: 'manual', signal: AbortSignal.timeout(REACH_TIMEOUT_MS) }),
    })
    const made = makeReport(facts, { level, standards })
    await show(made, format)
    if (args.strict === true && made.counts.not_met > 0) process.exitCode = 1
  },
})

async function show(made: Report, format: (typeof FORMATS)[number]): Promise<void> {
  if (format === 'json') return printJson(made)
  if (format === 'html') return print((await import('../ops/report/report-html.ts')).reportHtml(made).trimEnd())
  print(...(await import('../ops/report/report-text.ts')).reportText(made))
}

/** @throws OperatorError that lists the values */
function oneOf<T extends string>(name: string, values: readonly T[], given: string): T {
  const found = values.find(value => value === given)
  if (found === undefined) throw new OperatorError(`--${name} is one of ${values.join(', ')}, not "${given}".`)
  return found
}
