import { describe, expect, test } from 'vitest'
import { END_REASONS } from '../../server/contract/end-reasons.ts'
import { PROBLEM_CODES, PROBLEMS } from '../../server/contract/problem-codes.ts'
import { EVENT_KINDS } from '../../server/contract/wire.ts'
import { files, read } from '../support/source-tree.ts'

/** Every string in a nested object, by its dotted path. */
function leaves(value: unknown, path = ''): Map<string, string> {
  if (typeof value === 'string') return new Map([[path, value]])
  return new Map(
    Object.entries(value as object).flatMap(([key, inner]) => [...leaves(inner, path === '' ? key : `${path}.${key}`)]),
  )
}

const languages = Object.fromEntries(
  ['en', 'zh-CN'].map(language => {
    const paths = files(`web/{i18n,layers/*/i18n}/locales/**/${language}.json`)
    return [language, new Map(paths.flatMap(path => [...leaves(JSON.parse(read(path)))]))]
  }),
)
const english = languages['en'] as Map<string, string>
const chinese = languages['zh-CN'] as Map<string, string>

/** Whether some key ends in `.group.word`, wherever the site chose to put the group. */
const says = (words: Map<string, string>, word: string) => [...words.keys()].some(key => key.split('.').includes(word))

describe('words', () => {
  test('both languages say the same things', () => {
    expect(english.size).toBeGreaterThan(50)
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort())
  })

  test('no text is empty, and placeholders are the same in both', () => {
    const holes = (text: string) => (text.match(/\{[^}]+\}/g) ?? []).sort()
    for (const [key, text] of english) {
      expect(text.trim(), key).not.toBe('')
      expect((chinese.get(key) ?? '').trim(), key).not.toBe('')
      expect([...new Set(holes(chinese.get(key) ?? ''))], key).toEqual([...new Set(holes(text))])
    }
  })

  test('Chinese is Chinese', () => {
    const untranslated = [...chinese].filter(
      ([key, text]) => text === english.get(key) && /[a-z]{4,} [a-z]{3,}/i.test(text),
    )
    expect(untranslated).toEqual([])
  })

  test.each([
    ['en', english],
    ['zh-CN', chinese],
  ])('%s has a sentence for every problem, end reason and kind of event', (_language, words) => {
    expect([...PROBLEM_CODES, ...END_REASONS, ...EVENT_KINDS].filter(word => !says(words, word))).toEqual([])
  })

  test('every problem that the contract promises is one that the server can answer', () => {
    const source = files('server/**/*.ts')
      .filter(path => !path.endsWith('.test.ts') && path !== 'server/contract/problem-codes.ts')
      .map(read)
      .join('\n')
    expect(PROBLEM_CODES.filter(code => !source.includes(`'${code}'`))).toEqual([])
  })

  test("a problem's status is one that says whose fault it is", () => {
    for (const code of PROBLEM_CODES) expect(PROBLEMS[code].status, code).toBeGreaterThanOrEqual(400)
  })

  test('every end reason is given by some rule', () => {
    const source = files('server/**/*.ts')
      .filter(path => !path.endsWith('.test.ts') && path !== 'server/contract/end-reasons.ts')
      .map(read)
      .join('\n')
    expect(END_REASONS.filter(reason => !source.includes(`'${reason}'`))).toEqual([])
  })
})
