import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { END_REASONS, type EndReason } from '../../../server/contract/end-reasons.ts'
import { PROBLEM_CODES, PROBLEMS } from '../../../server/contract/problem-codes.ts'
import { ROOT } from '../stage.ts'
import { END_REASON_TEXTS } from './texts/end-reasons.ts'

type Words = Record<string, Record<string, string>>
const read = (file: string) => JSON.parse(readFileSync(join(ROOT, 'web/i18n/locales', file), 'utf8')) as Words
/** Those of every page, and of the pages behind the sign-in. */
const words = (language: string): Words[] => [read(`${language}.json`), read(`account/${language}.json`)]
const [english, chinese] = [words('en'), words('zh-CN')]

/** Error codes with what people see; pages add numbers where a sentence has a name in braces. */
export function problemTable(): string {
  const rows = PROBLEM_CODES.map(code => {
    const { status, title } = PROBLEMS[code]
    return `| \`${code}\` | ${status} | ${title} | ${cell(english, 'problem', code)} | ${cell(chinese, 'problem', code)} |`
  }).sort()
  return ['| `code` | status | `title` | people see | in Chinese |', '|---|---|---|---|---|', ...rows].join('\n')
}

/** Reasons for the end of a session, with what people see. */
export function endReasonTable(): string {
  const row = (reason: EndReason) =>
    `| \`${reason}\` | ${END_REASON_TEXTS[reason]} | ${cell(english, 'ended', reason)} | ${cell(chinese, 'ended', reason)} |`
  return ['| reason | when | people see | in Chinese |', '|---|---|---|---|', ...END_REASONS.map(row)].join('\n')
}

/** @throws if the pages have no words for it, which the tests of the locales refuse, too */
function cell(all: Words[], group: string, key: string): string {
  const text = all.map(one => one[group]?.[key]).find(found => found !== undefined)
  if (text === undefined) throw new Error(`${group}.${key} has no words`)
  return text.replaceAll(/\{(\w+)\}/g, '…')
}
