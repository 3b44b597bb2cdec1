import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { headingId } from '../../docs/site/stage.ts'
import { files, read, ROOT } from '../support/source-tree.ts'

const pages = [...files('*.md'), ...files('docs/**/*.md').filter(path => !path.startsWith('docs/site/'))]
const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts)
const BUILT_IN = ['create', 'ci', 'start', 'test', 'install', 'run', 'publish', 'version', 'audit']

/** Commands in fenced blocks and in `code` spans, one per line. */
function commands(page: string): string[] {
  const blocks = [...page.matchAll(/```(?:sh|bash|console)\n([\s\S]*?)```/g)].flatMap(match =>
    (match[1] ?? '').split('\n'),
  )
  const spans = [...page.matchAll(/`((?:npm|npx) [^`]+)`/g)].map(match => match[1] ?? '')
  return [...blocks, ...spans]
    .flatMap(line => line.split('&&'))
    .map(line => line.trim().replace(/^\$ /, ''))
    .filter(line => line !== '' && !line.startsWith('#'))
}

describe('documents', () => {
  test('README starts with the two commands of the first minute', () => {
    expect(read('README.md')).toMatch(/npm ci\s*(&&|\n)\s*npm start/)
  })

  test.each(pages)('%s names only npm scripts that exist', path => {
    const wrong = commands(read(path)).filter(command => {
      const [, verb, name] = /^npm (\S+)(?: (\S+))?/.exec(command) ?? []
      if (verb === undefined) return false
      return verb === 'run' ? !scripts.includes(name ?? '') : !BUILT_IN.includes(verb)
    })
    expect(wrong).toEqual([])
  })

  test.each(pages)('%s names only settings that exist', path => {
    const settings = files('server/config/*.ts').map(read).join('\n')
    const named = [...read(path).matchAll(/\bPORCHLIGHT_([A-Z][A-Z_]*[A-Z])\b/g)].map(match => match[1] ?? '')
    const known = (name: string) => settings.includes(name) || settings.includes(camel(name))
    expect(named.filter(name => !known(name) && !known(name.replace(/_FILE$/, '')))).toEqual([])
  })

  test.each(pages.filter(path => path !== 'CHANGELOG.md'))('%s names only source files that are there', path => {
    const named = [...read(path).matchAll(/`((?:server|tests|web|bench|drizzle)\/[\w./[\]-]+\.(?:ts|vue|mjs))`/g)]
    const examples = ['server/login/passkey-method.ts', 'web/app/pages/account/export.vue']
    const missing = named.map(([, file = '']) => file).filter(file => !existsSync(join(ROOT, file)))
    expect(missing.filter(file => !examples.includes(file) && !file.includes('/postgres/'))).toEqual([])
  })

  test.each(pages)('%s links to files that are there', path => {
    const links = [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(match => match[1] ?? '')
    expect(links.filter(link => !existsSync(join(ROOT, dirname(path), link)))).toEqual([])
  })

  test.each(pages)('%s links to headings that are there', path => {
    const links = [...read(path).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)]
    const missing = links.filter(([, file = '', anchor = '']) => {
      const target = file === '' ? path : join(dirname(path), file)
      return target.endsWith('.md') && !anchorsOf(read(target)).includes(anchor)
    })
    expect(missing.map(([link]) => link)).toEqual([])
  })
})

const camel = (name: string) => name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

/** The ids that Git hosts give to headings. */
function anchorsOf(page: string): string[] {
  const headings = page.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm)
  return [...headings].map(([, text = '']) => headingId(text.replaceAll(/\]\([^)]*\)/g, '')))
}
