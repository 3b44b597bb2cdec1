import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listPublicFiles } from '../../../site-build/public-files.ts'
import type { RequestContext } from '../request/request-context.ts'
import { serveStatic } from './serve-static.ts'
import { type Running, SIGNED_IN, startApp } from '../../../tests/support/app.ts'

const folder = mkdtempSync(join(tmpdir(), 'porchlight-static-'))
const root = join(folder, 'public')
const SCRIPT = "export const words = 'light'\n".repeat(100)
let app: Running

beforeAll(async () => {
  mkdirSync(join(root, '_porchlight'), { recursive: true })
  writeFileSync(join(root, '_porchlight', 'entry.AbC123.js'), SCRIPT)
  writeFileSync(join(root, '_porchlight', 'entry.AbC123.js.map'), '{}')
  writeFileSync(join(root, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  writeFileSync(join(root, '你好.txt'), 'hello')
  writeFileSync(join(root, '.env'), 'SECRET=1')
  writeFileSync(join(root, 'backup.sqlite'), 'x')
  writeFileSync(join(folder, 'keys.json'), 'x')
  app = await startApp({
    site: {
      built: { root, files: await listPublicFiles(root) },
      development: null,
      listener: async () => (_incoming, outgoing) => {
        outgoing.statusCode = 404
        outgoing.end("the site's 404")
      },
    },
  })
})
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('static files', () => {
  test('built files never change: kept for a year, and nobody is identified for one', async () => {
    const answered = await app.ask('/_porchlight/entry.AbC123.js', { headers: { cookie: SIGNED_IN } })
    expect(answered.status).toBe(200)
    expect(answered.body).toBe(SCRIPT)
    expect(answered.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
      vary: 'Accept-Encoding',
      'x-content-type-options': 'nosniff',
    })
    expect(app.sessions.asked).toEqual([])
  })

  test('a compressed copy is sent to whoever takes it, under a validator of its own', async () => {
    const plain = await app.ask('/_porchlight/entry.AbC123.js')
    const answered = await app.ask('/_porchlight/entry.AbC123.js', {
      headers: { 'accept-encoding': 'gzip, br' },
      binary: true,
    })
    expect(answered.headers['content-encoding']).toBe('br')
    expect(brotliDecompressSync(Buffer.from(answered.body, 'latin1')).toString()).toBe(SCRIPT)
    expect(answered.headers.etag).not.toBe(plain.headers.etag)
    const again = await app.ask('/_porchlight/entry.AbC123.js', {
      headers: { 'accept-encoding': 'br', 'if-none-match': String(answered.headers.etag) },
    })
    expect(again).toMatchObject({ status: 304, body: '' })
  })

  test('files without a hash in their name are asked for again each time, and are 304 while they are unchanged', async () => {
    const { headers } = await app.ask('/favicon.svg')
    expect(headers['cache-control']).toBe('public, max-age=0, must-revalidate')
    expect(
      (await app.ask('/favicon.svg', { headers: { 'if-none-match': `"other", W/${String(headers.etag)}` } })).status,
    ).toBe(304)
  })

  test('a name beyond ASCII is found as browsers ask for it', async () => {
    expect((await app.ask('/%E4%BD%A0%E5%A5%BD.txt')).body).toBe('hello')
  })

  test.each([
    '/_porchlight/entry.gone.js',
    '/_porchlight/',
    '/_porchlight/entry.AbC123.js.map',
    '/_porchlight/entry.AbC123.js.br',
    '/_porchlight/%2e%2e%2fkeys.json',
    '/_porchlight/..%2f..%2fkeys.json',
  ])("13.4 %s is not there, and is never the site's page", async target => {
    const { status, body } = await app.ask(target)
    expect([400, 404]).toContain(status)
    expect(body).not.toContain('the site')
  })

  test('beside a front end, only what is in the assets folder is ours: its tabs have no icon of ours', async () => {
    const serve = serveStatic({ root, files: await listPublicFiles(root) }, false)
    const answer = (path: string, family: string) => serve({ path, family, headers: {} } as unknown as RequestContext)
    expect(await answer('/favicon.svg', 'site')).toBeUndefined()
    expect(await answer('/_porchlight/entry.AbC123.js', 'assets')).toMatchObject({ status: 200 })
  })

  test.each(['/.env', '/backup.sqlite', '/keys.json', '/favicon.svg/', '/account/x.css', '/.git/config'])(
    'ASVS 13.4, ASVS 14.2.5 %s is no file',
    async target => {
      expect(await app.ask(target)).toMatchObject({ status: 404, body: "the site's 404" })
    },
  )
})
