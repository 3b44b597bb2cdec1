import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { Visitor } from '../support/client.ts'
import { setUp } from '../support/people.ts'
import { type Server, startServer, stopAll, temporaryFolder, waitUntil } from '../support/server.ts'

afterAll(stopAll)

/** pino's. */
const ERROR = 50

/** Every line of the server's output from here on; a line that is not of the log is kept as it is. */
function linesOf(server: Server) {
  const before = server.output.length
  return () =>
    server.output
      .slice(before)
      .split('\n')
      .filter(line => line !== '')
      .map(line => {
        try {
          return JSON.parse(line) as {
            level: number
            msg: string
            requestId: string
            path: string
            error?: { message: string }
          }
        } catch {
          return line
        }
      })
}

let shared: Promise<Server> | null = null
/** One for the tests that break nothing. */
const plain = () => (shared ??= startServer())

test('ASVS 16.5.1 a component that throws while rendering: a page that says nothing of it, one line in the log with the id of the answer, and nothing beside the log', async () => {
  // What shows when something was is the only part of the pages that asks for this; from now on it throws there, and
  // nowhere else.
  const broken = join(temporaryFolder(), 'broken.mjs')
  writeFileSync(
    broken,
    'Intl.RelativeTimeFormat = class { constructor() { throw new Error("no such table: lanterns") } }',
  )
  const server = await startServer({ environment: { NODE_OPTIONS: `--import ${pathToFileURL(broken).href}` } })
  const { browser } = await setUp(server.origin)
  const lines = linesOf(server)

  const answer = await browser.page('/account/sessions')
  expect(answer.status).toBe(500)
  expect(answer.headers['content-type']).toMatch(/^text\/html/)
  expect(answer.text).not.toMatch(/lanterns|RelativeTimeFormat|\.mjs/)
  expect(answer.text).not.toContain(broken)

  await waitUntil(
    () => lines().some(line => typeof line === 'object' && line.msg === 'request' && line.path === '/account/sessions'),
    'the request to be logged; the server wrote:\n',
    () => server.output,
  )
  expect(lines().filter(line => typeof line === 'string')).toEqual([])
  const errors = lines().filter(line => typeof line === 'object' && line.level >= ERROR)
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({
    requestId: answer.headers['x-request-id'],
    path: '/account/sessions',
    error: { message: 'no such table: lanterns' },
  })

  // What can be rendered still is.
  expect((await browser.page('/account')).status).toBe(200)
})

test('a page whose set-up throws wherever it is rendered, and leaves a rejection behind: a page of ours in the chosen language with our headers, JSON for a script, and nothing beside the log', async () => {
  const broken = join(temporaryFolder(), 'broken.mjs')
  // Each rendered page asks for the words of its language so, the error page too.
  writeFileSync(
    broken,
    `const { add } = Set.prototype
    Set.prototype.add = function (value) {
      if (typeof value !== 'string' || !value.includes('i18n/locales/')) return add.call(this, value)
      console.error('raw words', { of: 'a library' })
      process.emitWarning('an odd thing')
      Promise.reject(new Error('a stray rejection'))
      throw new Error('no such table: lanterns')
    }`,
  )
  const server = await startServer({ environment: { NODE_OPTIONS: `--import ${pathToFileURL(broken).href}` } })
  const visitor = new Visitor(server.origin)
  const lines = linesOf(server)

  for (const [headers, lang, words] of [
    [{ 'accept-language': 'en' }, 'en', 'Something went wrong'],
    [{ 'accept-language': 'en;q=0.3, zh-TW;q=0.8' }, 'zh-CN', '服务器出错了'],
    [{ 'accept-language': 'en', cookie: 'porchlight-language=zh-CN' }, 'zh-CN', '服务器出错了'],
    [{ 'accept-language': 'zh', cookie: 'porchlight-language=en; porchlight-theme=%' }, 'en', 'Something went wrong'],
  ] as const) {
    const answer = await visitor.page('/sign-in', headers)
    expect([answer.status, answer.headers['content-type']]).toEqual([500, 'text/html; charset=utf-8'])
    expect(answer.text).toContain(`<html lang="${lang}">`)
    expect(answer.text).toContain(words)
    expect(answer.text).toContain(answer.headers['x-request-id'])
    expect(answer.text).not.toMatch(/lanterns|nuxt/i)
    const nonce = /<style nonce="([^"]+)"/.exec(answer.text)?.[1] ?? ''
    expect(answer.headers['content-security-policy']).toMatch(
      new RegExp(
        `^default-src 'none'; style-src 'nonce-${nonce.replaceAll(/\W/g, '\\$&')}';.* frame-ancestors 'none'$`,
      ),
    )
    expect(answer.headers).toMatchObject({
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
    })
  }
  const told = await visitor.get('/sign-in', { accept: 'application/json' })
  expect([told.status, told.headers['content-type']]).toEqual([500, 'application/problem+json'])
  expect(told.json()).toEqual({
    type: 'about:blank',
    title: expect.any(String),
    status: 500,
    code: 'internal',
    requestId: told.headers['x-request-id'],
  })

  await waitUntil(
    () => lines().filter(line => typeof line === 'object' && line.msg === 'request').length >= 5,
    'the requests to be logged',
  )
  expect(lines().filter(line => typeof line === 'string')).toEqual([])
  const said = JSON.stringify(lines())
  for (const words of ["raw words { of: 'a library' }", 'an odd thing', 'a stray rejection', 'no such table: lanterns'])
    expect(said).toContain(words)
  expect((await visitor.get('/healthz')).status).toBe(200)
})

test.each(['application/json', '*/*', 'application/json, text/plain, */*'])(
  'an address that is no page, asked for by a script with Accept: %s, is problem+json',
  async accept => {
    const server = await plain()
    const visitor = new Visitor(server.origin)
    for (const path of [
      '/no-such-page',
      '/no-such.json',
      '/account/x.css',
      '/notes/deep/er.json?x=1',
      '/__nuxt_error',
      '/__nuxt_error?statusCode=200',
    ]) {
      const answer = await visitor.get(path, { accept })
      expect([path, answer.status, answer.headers['content-type']]).toEqual([path, 404, 'application/problem+json'])
      expect(answer.json()).toEqual({
        type: 'about:blank',
        title: expect.any(String),
        status: 404,
        code: 'not_found',
        requestId: answer.headers['x-request-id'],
      })
      expect(answer.headers['content-security-policy']).toBe(
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      )
    }
  },
)

test('a person who asks for them gets the page that says so, whatever the ending', async () => {
  const visitor = new Visitor((await plain()).origin)
  for (const path of ['/no-such-page', '/no-such.json']) {
    const answer = await visitor.page(path, { 'accept-language': 'zh-CN' })
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8'])
    expect(answer.text).toMatch(/<html[^>]* lang="zh-CN"/)
    expect(answer.text).toMatch(/<script[^>]* nonce=/)
  }
})

test('a cookie whose value cannot be decoded is no cookie, to every page, whatever its name', async () => {
  const server = await plain()
  const visitor = new Visitor(server.origin)
  const before = linesOf(server)
  const clean = await visitor.page('/sign-in')
  for (const name of ['porchlight-theme', 'porchlight-language', 'porchlight-way', 'i18n_redirected', 'anything', '']) {
    for (const value of ['%', '%zz', '%E0%A4%A', '%c3%28', '"%"', 'light%', '\u00ff']) {
      for (const path of ['/', '/sign-in', '/no-such-page']) {
        const answer = await visitor.page(path, { cookie: `a=b; ${name}=${value}; porchlight-theme=dark` })
        expect([name, value, path, answer.status]).toEqual([name, value, path, path === '/no-such-page' ? 404 : 200])
        expect(answer.setCookies).toEqual([])
        if (path === '/sign-in' && value !== '\u00ff')
          expect(answer.text.length - clean.text.length, `${name}=${value}`).toBeLessThan(400)
        if (name !== 'porchlight-theme' || value !== '\u00ff') expect(answer.text).toContain('data-theme="dark"')
      }
    }
  }
  expect(before().filter(line => typeof line === 'string' || line.level >= ERROR)).toEqual([])
})
