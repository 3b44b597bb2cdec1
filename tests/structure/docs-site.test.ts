import { existsSync, globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CONTENTS, UNLISTED } from '../../docs/site/contents.ts'
import { generated } from '../../docs/site/generate.ts'
import { fieldsOf } from '../../docs/site/generate/schema.ts'
import { GROUPS } from '../../docs/site/generate/settings.ts'
import { SETTING_GROUPS, SETTING_TEXTS } from '../../docs/site/generate/texts/settings.ts'
import { DRAWINGS, fileOf, MAX_PICTURE_BYTES, PICTURES, THEMES } from '../../docs/site/pictures.ts'
import { documents, withSiteLinks } from '../../docs/site/stage.ts'
import { checkSettings } from '../../server/config/load-config.ts'
import { ENVIRONMENT_ONLY, SETTING_KEYS } from '../../server/config/settings.ts'
import { read, ROOT } from '../support/source-tree.ts'

const listed = CONTENTS.flatMap(group => group.pages).map(({ file }) => file)

describe('the documentation as a site', () => {
  test('every document is in docs/site/contents.ts, once', () => {
    expect(documents().filter(file => !UNLISTED.test(file) && !listed.includes(file))).toEqual([])
    expect(listed.filter((file, index) => listed.indexOf(file) !== index)).toEqual([])
  })

  test.each([...generated()])('%s is what `npm run docs:generate` makes of the code', (file, text) => {
    expect(existsSync(join(ROOT, file)) && read(file)).toBe(text)
  })

  test('every setting is in a chapter, and its example is one that the server takes', async () => {
    expect(SETTING_GROUPS.flatMap(({ keys }) => keys).sort()).toEqual([...SETTING_KEYS].sort())
    const given = Object.fromEntries(
      SETTING_KEYS.filter(key => !ENVIRONMENT_ONLY.has(key)).map(key => [key, SETTING_TEXTS[key].example]),
    )
    expect(await checkSettings(given)).toEqual([])
  })

  test.each(Object.entries(GROUPS))('every field of `%s` is described, and no other', (_, [schema, texts]) => {
    expect(Object.keys(texts).sort()).toEqual(
      fieldsOf(schema)
        .map(({ path }) => path)
        .sort(),
    )
  })

  test('every picture is made by `npm run docs:pictures` or drawn, small, and shown somewhere', () => {
    const made = [...PICTURES.flatMap(picture => THEMES.map(theme => fileOf(picture, theme))), ...DRAWINGS]
    const there = globSync('*', { cwd: join(ROOT, 'docs/pictures') })
    expect(there.sort()).toEqual([...made].sort())
    expect(there.filter(file => statSync(join(ROOT, 'docs/pictures', file)).size > MAX_PICTURE_BYTES)).toEqual([])
    const pages = [
      ...globSync(['*.md', 'docs/**/*.md', 'docs/site/.vitepress/theme/*.vue'], {
        cwd: ROOT,
        exclude: ['docs/site/node_modules', 'docs/site/.pages'],
      }),
    ].map(read)
    expect(there.filter(file => !pages.some(page => page.includes(`pictures/${file}`)))).toEqual([])
  })

  test('links lead to pages of the site; what is no page is text, or a link into the repository', () => {
    const text = '[a](../standards.md#cookies) [b](../../SECURITY.md) ![c](../pictures/x.webp) [d](../../server/cli.ts)'
    const rest = '[a](../standards.md#cookies) [b](../security.md) ![c](../pictures/x.webp)'
    expect(withSiteLinks(text, 'docs/guides/x.md', 'guides/x.md', undefined)).toBe(`${rest} d`)
    expect(withSiteLinks(text, 'docs/guides/x.md', 'guides/x.md', 'https://git.example/p')).toBe(
      `${rest} [d](https://git.example/p/server/cli.ts)`,
    )
    const code = '```md\n[d](../../server/cli.ts)\n```\n'
    expect(withSiteLinks(code, 'docs/guides/x.md', 'guides/x.md', undefined)).toBe(code)
  })
})
