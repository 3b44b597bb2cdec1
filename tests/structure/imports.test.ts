import { describe, expect, test } from 'vitest'
import { circle, files, type Import, importsOf, packageOf, read } from '../support/source-tree.ts'

/** Each room may import itself and the rooms before it. */
const ROOMS = [
  'contract',
  'base',
  'config',
  'store',
  'keys',
  'session',
  'mail',
  'accounts',
  'providers',
  'login',
  'relay',
  'ops',
  'demo',
  'http',
  'bootstrap',
  'exports',
  'testing',
  'main',
  'cli',
]

/** The same within the room that knows incoming HTTP. */
const HTTP_ROOMS = ['request', 'brand', 'response', 'openapi', 'steps', 'routes', 'site', 'server']

/** Packages that a decision keeps in one place: who may import them. */
const HOMES: Record<string, string[]> = {
  hono: ['http', 'bootstrap', 'main'],
  '@hono/node-server': ['http', 'bootstrap', 'main'],
  '@hono/standard-validator': ['http'],
  '@node-rs/argon2': ['accounts'],
  '@simplewebauthn/server': ['accounts'],
  '@valibot/to-json-schema': ['http'],
  nodemailer: ['mail'],
  pino: ['base'],
  'pino-pretty': ['base'],
  'prom-client': ['ops'],
  citty: ['cli'],
  nuxt: ['http', 'main', 'cli'],
}

/** Where a store is opened, looked at from outside, or put in another's place: they know that it is SQLite's. */
const OPENS_SQLITE = [
  'server/bootstrap/services.ts',
  'server/cli/perform.ts',
  'server/ops/data-dir-lock.ts',
  'server/ops/doctor.ts',
  'server/ops/gauges.ts',
  'server/ops/key-doctor.ts',
  'server/ops/permissions.ts',
  'server/ops/restore-operation.ts',
]

const server = files('server/**/*.ts')
const web = files('web/**/*.{ts,vue}')
const imports = [...server, ...web].flatMap(importsOf)
const product = (path: string) => !path.endsWith('.test.ts')
const shipped = (path: string) => product(path) && !path.endsWith('.testing.ts')

/** `server/session/judge.ts` → `session`; `server/main.ts` → `main`; anything else → null. */
function roomOf(path: string): string | null {
  return /^server\/([^/.]+)/.exec(path)?.[1] ?? null
}

const show = ({ from, specifier }: Import) => `${from} imports ${specifier}`

describe('the house', () => {
  test('every folder and file of server/ is a room', () => {
    expect(server.length).toBeGreaterThan(0)
    expect([...new Set(server.map(roomOf))].filter(room => !ROOMS.includes(room ?? ''))).toEqual([])
  })

  test('a room imports only itself and rooms to its left', () => {
    const wrong = imports.filter(({ from, target }) => {
      const here = roomOf(from)
      const there = target === null ? null : roomOf(target)
      return here !== null && there !== null && ROOMS.indexOf(there) > ROOMS.indexOf(here)
    })
    expect(wrong.map(show)).toEqual([])
  })

  test('within http/, a folder imports only itself and those to its left', () => {
    const folderOf = (path: string | null) => HTTP_ROOMS.indexOf(/^server\/http\/([^/]+)\//.exec(path ?? '')?.[1] ?? '')
    const inside = server.filter(path => path.startsWith('server/http/'))
    expect(inside.filter(path => folderOf(path) === -1)).toEqual([])
    const wrong = imports.filter(({ from, target }) => folderOf(from) !== -1 && folderOf(target) > folderOf(from))
    expect(wrong.map(show)).toEqual([])
  })

  test('only config, login and bootstrap ask whether there is a token API; others ask accounts for its authority', () => {
    const knowing = ['config', 'login', 'bootstrap']
    const asking = server
      .filter(product)
      .filter(path => !path.endsWith('.testing.ts') && !knowing.includes(roomOf(path) ?? ''))
      // The report judges settings, and decides nothing.
      .filter(path => !path.startsWith('server/ops/report/'))
      .filter(path => /\btokenApi\b(?!\.fields)/.test(read(path)))
    expect(asking, 'where authority is decided').toEqual(['server/accounts/build-accounts.ts'])
  })

  test('the site imports server/contract and nothing else of the server', () => {
    const wrong = imports.filter(
      ({ from, target }) => from.startsWith('web/') && target?.startsWith('server/') && roomOf(target) !== 'contract',
    )
    expect(wrong.map(show)).toEqual([])
  })

  test('no file is on a circle of imports', () => {
    const graph = new Map(
      [...server, ...web].map(path => [
        path,
        imports.filter(each => each.from === path && each.target !== null).map(each => each.target as string),
      ]),
    )
    expect(circle(graph)).toBeNull()
  })

  test('no file only passes on what others export', () => {
    const barrels = [...server, ...web].filter(
      path => /(^|\/)index\.ts$/.test(path) || /^export \* from/m.test(read(path)),
    )
    expect(barrels).toEqual([])
  })

  test('relative imports name their file, as node needs it', () => {
    const wrong = imports.filter(
      ({ from, specifier }) =>
        from.startsWith('server/') && specifier.startsWith('.') && !/\.(ts|mjs|json)$/.test(specifier),
    )
    expect(wrong.map(show)).toEqual([])
  })
})

describe('what a room is the only one to know', () => {
  test('the notes of the demo know nothing of us but what any upstream would', () => {
    const wrong = imports.filter(
      ({ from, target }) =>
        from.startsWith('server/demo/notes/') &&
        target !== null &&
        !['base', 'contract', 'demo'].includes(roomOf(target) ?? ''),
    )
    expect(wrong.map(show)).toEqual([])
  })

  test('the demo is loaded by bootstrap, on demand, and by the command line; http/ knows a type of it', () => {
    const isType = ({ from, specifier }: Import) => read(from).match(new RegExp(`import type [^;']*'${specifier}'`))
    const isOnDemand = ({ from, specifier }: Import) => read(from).includes(`import('${specifier}')`)
    const wrong = imports.filter(one => {
      const room = roomOf(one.from) ?? ''
      if (!one.target?.startsWith('server/demo/') || ['demo', 'cli'].includes(room) || !product(one.from)) return false
      return room === 'bootstrap' ? !isType(one) && !isOnDemand(one) : room !== 'http' || !isType(one)
    })
    expect(wrong.map(show)).toEqual([])
  })

  test("the site's own pages know nothing of its layers", () => {
    const own = web.filter(path => path.startsWith('web/app/'))
    expect(own.filter(path => /\blayers\/|['"`]\/(?:notes|proof)\b/.test(read(path)))).toEqual([])
  })

  test('the contract imports valibot and nothing else', () => {
    const wrong = imports.filter(
      ({ from, specifier, target }) =>
        from.startsWith('server/contract/') && product(from) && target === null && specifier !== 'valibot',
    )
    expect(wrong.map(show)).toEqual([])
  })

  test.each(Object.entries(HOMES))('%s is imported in %s only', (name, rooms) => {
    const wrong = imports.filter(
      ({ from, specifier }) =>
        from.startsWith('server/') &&
        product(from) &&
        packageOf(specifier) === name &&
        !rooms.includes(roomOf(from) ?? ''),
    )
    expect(wrong.map(show)).toEqual([])
  })

  test('only store/sqlite/ knows Drizzle and the driver, and the demo the driver for its own file', () => {
    const wrong = imports.filter(
      ({ from, specifier }) =>
        shipped(from) &&
        ['drizzle-orm', 'better-sqlite3'].includes(packageOf(specifier) ?? '') &&
        !from.startsWith('server/store/sqlite/') &&
        !from.startsWith('server/demo/notes/'),
    )
    expect(wrong.map(show)).toEqual([])
  })

  test('store/sqlite/ is imported only where a store is opened, looked at from outside, or replaced', () => {
    const imported = imports.filter(
      ({ from, target }) =>
        shipped(from) && !from.startsWith('server/store/sqlite/') && target?.startsWith('server/store/sqlite/'),
    )
    expect([...new Set(imported.map(({ from }) => from))].sort()).toEqual(OPENS_SQLITE)
  })

  test('a store knows the interfaces and what every store decides alike, and no other store', () => {
    const wrong = imports.filter(({ from, target }) => {
      const here = /^server\/store\/(\w+)\//.exec(from)?.[1]
      const there = /^server\/store\/(\w+)\//.exec(target ?? '')?.[1]
      return here !== undefined && there !== undefined && here !== there
    })
    expect(wrong.map(show)).toEqual([])
  })

  test('tests of other rooms look beneath a store by its helpers only', () => {
    const wrong = imports.filter(
      ({ from, target }) =>
        !shipped(from) &&
        !from.startsWith('server/store/') &&
        target?.startsWith('server/store/sqlite/') &&
        target !== 'server/store/sqlite/files.ts',
    )
    expect(wrong.map(show)).toEqual([])
  })

  test('no other room speaks of what only SQLite has: row ids, checkpoints, the connection', () => {
    const wrong = server.filter(
      path =>
        shipped(path) &&
        !path.startsWith('server/store/sqlite/') &&
        !path.startsWith('server/demo/notes/') &&
        /\browid\b|checkpoint|\bstore\.db\b|sqliteTable|\$inferSelect/i.test(read(path)),
    )
    expect(wrong).toEqual([])
  })

  test('SQL is written in store/sqlite/ only, and by the demo for its own file', () => {
    const wrong = server.filter(
      path =>
        shipped(path) &&
        !path.startsWith('server/store/sqlite/') &&
        !path.startsWith('server/demo/notes/') &&
        /\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b/i.test(read(path)),
    )
    expect(wrong).toEqual([])
  })

  test('only base/clock.ts reads the clock', () => {
    const wrong = server.filter(
      path =>
        product(path) &&
        path !== 'server/base/clock.ts' &&
        /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bprocess\.hrtime\b/.test(read(path)),
    )
    expect(wrong).toEqual([])
  })

  test('only config/, the command line and what runs inside tests of an app read the environment', () => {
    const wrong = server.filter(
      path =>
        product(path) &&
        !['config', 'cli', 'bootstrap', 'main', 'testing'].includes(roomOf(path) ?? '') &&
        /\bprocess\.env\b/.test(read(path)),
    )
    expect(wrong).toEqual([])
  })

  test('BBA-3 the site keeps nothing of ours where scripts of a page could read it', () => {
    // The search of /proof only reads, to show that nothing is there; preferences are no secrets.
    const wrong = web.filter(
      path =>
        product(path) &&
        !['web/layers/demo/app/utils/token-search.ts', 'web/app/composables/usePreference.ts'].includes(path) &&
        /\b(localStorage|sessionStorage|indexedDB|document\.cookie|cookieStore)\b/.test(read(path)),
    )
    expect(wrong).toEqual([])
  })
})
