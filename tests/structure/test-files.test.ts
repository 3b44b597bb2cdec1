import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { files, importsOf, read, ROOT } from '../support/source-tree.ts'

const SOURCE = '{server,web,bench,drizzle}'
const isTest = (path: string) => path.endsWith('.test.ts')
const isHelper = (path: string) => path.endsWith('.testing.ts') || path.startsWith('tests/')
/** What the package exports, which in this repository only tests import. */
const PUBLIC = ['server/exports.ts', 'server/testing.ts']

const source = files(`${SOURCE}/**/*.{ts,vue}`).filter(path => !path.startsWith('bench/peers/'))
const inTests = files('tests/**/*.ts')
const imports = [...source, ...inTests].flatMap(importsOf)
const importersOf = (path: string) => imports.filter(({ target }) => target === path).map(({ from }) => from)

describe('helpers of tests', () => {
  test('a file of a room that only tests import is called x.testing.ts', () => {
    const misnamed = files('{server,bench}/**/*.ts').filter(path => {
      const importers = importersOf(path)
      return (
        !isTest(path) &&
        !isHelper(path) &&
        !PUBLIC.includes(path) &&
        importers.length > 0 &&
        importers.every(importer => isTest(importer) || (isHelper(importer) && !importer.startsWith('tests/checks/')))
      )
    })
    expect(misnamed).toEqual([])
  })

  test('the product imports no helper of tests', () => {
    const product = (path: string) => /^(?:server|web)\//.test(path) && !isTest(path) && !isHelper(path)
    const wrong = imports.filter(({ from, target }) => product(from) && target !== null && isHelper(target))
    expect(wrong.map(({ from, specifier }) => `${from} imports ${specifier}`)).toEqual([])
  })

  test('everything in tests/ is a test, a helper in tests/support, an application, or a check that .ci/run starts', () => {
    const started = read('.ci/run')
    const misplaced = inTests.filter(
      path =>
        !isTest(path) &&
        !path.startsWith('tests/support/') &&
        !/^tests\/apps\/[^/]+\//.test(path) &&
        !(path.startsWith('tests/checks/') && started.includes(path)),
    )
    expect(misplaced).toEqual([])
  })
})

describe('tests', () => {
  const tests = [...source, ...inTests].filter(isTest)

  test('a name in two parts, x.aspect.test.ts, lies beside the file x', () => {
    const lost = tests.filter(path => {
      const [name = '', ...aspect] = basename(path)
        .replace(/(?:\.more)?\.test\.ts$/, '')
        .split('.')
      const beside = ['.ts', '.vue'].map(ending => join(ROOT, dirname(path), name + ending))
      return aspect.length > 0 && !beside.some(existsSync)
    })
    expect(lost).toEqual([])
  })

  test('a file that varies proofs, x.more.test.ts, lies beside the proofs, x.test.ts', () => {
    const more = tests.filter(path => path.endsWith('.more.test.ts'))
    expect(more.length).toBeGreaterThan(0)
    expect(more.filter(path => !tests.includes(path.replace('.more.', '.')))).toEqual([])
  })

  test('a unit test lies beside what it proves: it imports that, has its name, or its stage is the whole app', () => {
    const astray = source.filter(isTest).filter(path => {
      const folder = dirname(path)
      const [name = ''] = basename(path).split('.')
      const named = [`${name}.ts`, name, `../${name}`].some(beside => existsSync(join(ROOT, folder, beside)))
      const targets = importsOf(path).map(({ target }) => target ?? '')
      return !named && !targets.some(target => dirname(target) === folder || target.startsWith('tests/support/'))
    })
    expect(astray).toEqual([])
  })

  test('a title reads alone: it does not go on from the one before', () => {
    const goesOn = /(?:\b(?:test|it)(?:\.\w+)*|\))\(\s*['"`]((?:and|but|nor|so (?:does|is|it)|the same) [^'"`]*)/g
    const found = tests.flatMap(path => [...read(path).matchAll(goesOn)].map(([, title]) => `${path}: ${title}`))
    expect(found).toEqual([])
  })

  test('each room of the server, and of http/, has unit tests of its own', () => {
    const roomOf = (path: string) => /^server\/(?:http\/)?[^/.]+(?=\/)/.exec(path)?.[0] ?? ''
    const rooms = new Set(source.map(roomOf).filter(room => room !== ''))
    const tested = new Set(source.filter(isTest).map(roomOf))
    expect(rooms.size).toBeGreaterThan(15)
    expect([...rooms].filter(room => !tested.has(room))).toEqual([])
  })
})
