import { loadConfig } from '../../../server/config/load-config.ts'
import { BFF } from '../../../server/ops/report/bff.ts'
import { LEVELS } from '../../../server/ops/report/asvs-levels.ts'
import { ASVS } from '../../../server/ops/report/make-report.ts'
import type { Facts, Requirement } from '../../../server/ops/report/requirement.ts'

/** What holds for every installation does not look at one; `config` is there for what does, and is never judged. */
const { config } = await loadConfig({}, '/nowhere')
const NOBODY: Facts = { config, now: 0, nodeEnv: undefined, exposures: [], signingKeyMadeAt: null, headers: null }

/** RFC 10017 line by line, ASVS by level, and what is not met whatever is set: for SECURITY.md. */
export function reportTables(): string {
  return [
    '| RFC 10017 | asks | |',
    '|---|---|---|',
    ...BFF.map(requirement => `| ${requirement.id} | ${requirement.asks} | ${standing(requirement)} |`),
    '',
    '| OWASP ASVS 5.0.0 | met by construction | depends on your settings | not applicable | not met | only you can tell | not looked at |',
    '|---|---|---|---|---|---|---|',
    ...([1, 2, 3] as const).map(level => `| level ${level} | ${countsOf(level).join(' | ')} |`),
    '',
    'Not met, whatever is set:',
    '',
    ...ASVS.flatMap(requirement => {
      const outcome = requirement.fixed ? requirement.judge(NOBODY) : null
      return outcome?.state === 'not_met'
        ? [
            `- ${requirement.id} (level ${LEVELS.get(requirement.id)}): ${requirement.asks} ${outcome.why}. ${outcome.mend}`,
          ]
        : []
    }),
  ].join('\n')
}

function standing(requirement: Requirement): string {
  if (!requirement.fixed) return 'depends on your settings'
  const outcome = requirement.judge(NOBODY)
  return outcome.state === 'met' ? `met by construction (${outcome.proof.join(', ')})` : outcome.state
}

function countsOf(level: number): number[] {
  const of = ASVS.filter(({ id }) => LEVELS.get(id) === level)
  const fixed = (state: string) => of.filter(one => one.fixed && one.judge(NOBODY).state === state).length
  const all = [...LEVELS.values()].filter(each => each === level).length
  return [
    fixed('met'),
    of.filter(one => !one.fixed).length,
    fixed('not_applicable'),
    fixed('not_met'),
    fixed('untold'),
    all - of.length,
  ]
}
