import { describe, expect, test } from 'vitest'
import { files, read } from '../support/source-tree.ts'

/** ASVS 5.0 and 5.0.0 are versions: no section has that number. */
const ID = /\b(?:BBA|OA|OI|LO|CK|CS|HD|NI|JW|UX|DB)-\d+\b|\bASVS (?!5\.0(?:\.0)?\b)\d+(?:\.\d+)+\b/g
const sources = files('{server,web,nuxt,tests,bench}/**/*.{ts,vue,mjs}').filter(
  path => path !== 'tests/structure/standards.test.ts',
)
const listed = new Set(
  [...read('docs/standards.md').matchAll(/^\| (\S+(?: [\d.]+)?) \|/gm)].map(match => match[1] ?? ''),
)

describe('ids of standards', () => {
  test('each id that a test or comment cites has its line in docs/standards.md', () => {
    const unknown = sources.flatMap(path =>
      (read(path).match(ID) ?? []).filter(id => !listed.has(id)).map(id => `${path}: ${id}`),
    )
    expect(unknown).toEqual([])
  })

  test('each id that docs/standards.md lists is cited somewhere', () => {
    const cited = new Set(sources.flatMap(path => read(path).match(ID) ?? []))
    expect([...listed].filter(id => new RegExp(`^(?:${ID.source})$`).test(id) && !cited.has(id))).toEqual([])
  })
})
