import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { END_REASONS } from '../../server/contract/end-reasons.ts'
import { PROBLEM_CODES } from '../../server/contract/problem-codes.ts'
import { EVENT_KINDS } from '../../server/contract/wire.ts'
import { THEMES } from '../app/composables/useTheme.ts'

const WEB = join(import.meta.dirname, '..')
type Words = { [key: string]: string | Words }

/** Every file of a language: some pages bring words of their own. */
const read = (code: string) =>
  new Map(
    globSync(`{i18n,layers/*/i18n}/locales/**/${code}.json`, { cwd: WEB })
      .sort((a, b) => dirname(a).localeCompare(dirname(b)))
      .flatMap(file => [...flatten(JSON.parse(readFileSync(join(WEB, file), 'utf8')) as Words)]),
  )
const en = read('en')
const zh = read('zh-CN')

/** Keys that pages put together, with everything that may stand in the gap. */
const MADE: Record<string, readonly string[]> = {
  'problem.': [...PROBLEM_CODES, 'unreachable', 'passkey_cancelled', 'passkey_unsupported', 'passkey_failed'],
  'ended.': END_REASONS,
  'eventEnded.': END_REASONS,
  'event.': EVENT_KINDS,
  'theme.': THEMES,
  'strength.': ['weak', 'fair', 'good', 'strong', 'password_common', 'password_personal'],
  'welcome.': ['inside.title', 'inside.text', 'ends.title', 'ends.text', 'yours.title', 'yours.text'],
}

const sources = globSync('{app,layers/*/app}/**/*.{vue,ts}', { cwd: WEB })
  .filter(file => !file.endsWith('.test.ts'))
  .map(file => readFileSync(join(WEB, file), 'utf8'))
  .join('\n')

function flatten(words: Words, before = ''): Map<string, string> {
  return new Map(
    Object.entries(words).flatMap(([key, value]) =>
      typeof value === 'string' ? [[before + key, value] as const] : [...flatten(value, `${before}${key}.`)],
    ),
  )
}
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(match => match[1]).sort()
const isUsed = (key: string) => new RegExp(`['"\`]${key.replaceAll('.', '\\.')}['"\`]`).test(sources)

describe('the words of the site', () => {
  test('are the same keys in every language', () => {
    expect([...zh.keys()]).toEqual([...en.keys()])
  })

  test('take the same values, plurals apart, and say something', () => {
    for (const [key, text] of en) {
      expect([...new Set(placeholders(zh.get(key) ?? ''))], key).toEqual([...new Set(placeholders(text))])
      expect(zh.get(key)?.split(' | ').length, key).toBe(text.split(' | ').length)
      expect(text.trim(), key).not.toBe('')
    }
  })

  test('exist for every key that a page asks for', () => {
    const asked = [
      ...sources.matchAll(/\bt\(\s*'([\w.]+)'/g),
      ...sources.matchAll(/\bt\([^()'\n]*\? '([\w.]+)' : '([\w.]+)'/g),
    ].flatMap(match => match.slice(1))
    expect(asked.length).toBeGreaterThan(80)
    expect(asked.filter(key => !en.has(key))).toEqual([])
    for (const [prefix, values] of Object.entries(MADE)) {
      expect(sources, prefix).toContain(`\`${prefix}\${`)
      expect(
        values.filter(value => !en.has(prefix + value)),
        prefix,
      ).toEqual([])
    }
  })

  test('are all used', () => {
    const made = new Set(Object.entries(MADE).flatMap(([prefix, values]) => values.map(value => prefix + value)))
    // `${key}Text` stands beside the key of the action that it explains.
    const explained = (key: string) => key.endsWith('Text') && isUsed(key.slice(0, -'Text'.length))
    // Pages that name a family of words, such as `proof.check.${name}`; what stands in the gap is typed.
    const families = [...sources.matchAll(/`([a-z][\w-]*(?:\.[\w-]+)*\.)\$\{/g)]
      .map(([, prefix = '']) => prefix)
      .filter(prefix => !(prefix in MADE))
    const ofFamily = (key: string) => families.some(prefix => key.startsWith(prefix))
    expect([...en.keys()].filter(key => !made.has(key) && !explained(key) && !ofFamily(key) && !isUsed(key))).toEqual(
      [],
    )
  })
})
