import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { brotliDecompressSync, constants, gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import { SITE_CONTEXT, type SiteContext } from '../../contract/site-context.ts'
import { openFrontEnd } from './front-end.ts'
import { type Answered, SIGNED_IN, startApp } from '../../../tests/support/app.ts'

const PAGE = `<!doctype html><title>page</title>${'<p>the porch is all that a visitor sees</p>'.repeat(100)}`
const TAKES = { 'accept-encoding': 'gzip, deflate, br, zstd' }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function site(answer: (outgoing: ServerResponse, incoming: IncomingMessage) => unknown) {
  const app = await startApp({
    site: {
      built: { root: '/nowhere', files: [] },
      development: null,
      listener: async () => (incoming, outgoing) => answer(outgoing, incoming),
    },
  })
  closing.push(() => app.close())
  return app
}

const html = (outgoing: ServerResponse) => {
  outgoing.setHeader('content-type', 'text/html;charset=utf-8')
  outgoing.end(PAGE)
}
const unpacked = ({ headers, body }: Answered): string => {
  const bytes = Buffer.from(body, 'latin1')
  const coding = headers['content-encoding']
  return (coding === 'br' ? brotliDecompressSync(bytes) : coding === 'gzip' ? gunzipSync(bytes) : bytes).toString()
}

describe('pages that we render', () => {
  test.each([
    ['gzip, br', 'br'],
    ['gzip;q=1, br;q=0.1', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['identity;q=0, gzip', 'gzip'],
    ['identity', undefined],
    ['*;q=0', undefined],
    ['deflate', undefined],
    ['', undefined],
  ])('whoever sends Accept-Encoding %j gets %j, and caches are told', async (accepted, coding) => {
    const { ask } = await site(html)
    const answered = await ask('/', { headers: { 'accept-encoding': accepted }, binary: true })
    expect(answered.headers['content-encoding']).toBe(coding)
    expect(answered.headers.vary).toBe('Accept-Encoding')
    expect(answered.headers['content-length']).toBe(coding === undefined ? String(Buffer.byteLength(PAGE)) : undefined)
    expect(unpacked(answered)).toBe(PAGE)
  })

  test.each<[string, Record<string, string>, boolean]>([
    ["nobody, asked for by a stranger's site", { 'sec-fetch-site': 'cross-site' }, true],
    ['a session that has ended', { cookie: 'porchlight-access=ended', 'sec-fetch-site': 'cross-site' }, true],
    ['somebody signed in, asked for by one of our pages', { cookie: SIGNED_IN, 'sec-fetch-site': 'same-origin' }, true],
    ['somebody signed in, asked for in the address bar', { cookie: SIGNED_IN, 'sec-fetch-site': 'none' }, true],
    [
      "somebody signed in, asked for by a stranger's site",
      { cookie: SIGNED_IN, 'sec-fetch-site': 'cross-site' },
      false,
    ],
    [
      'somebody signed in, asked for by a neighbouring host',
      { cookie: SIGNED_IN, 'sec-fetch-site': 'same-site' },
      false,
    ],
    ['somebody signed in, by a browser that does not say who asks', { cookie: SIGNED_IN }, false],
    [
      "somebody whose form is kept, asked for by a stranger's site",
      { cookie: 'porchlight-form=kept', 'sec-fetch-site': 'cross-site' },
      false,
    ],
  ])('BREACH: a page of %s', async (_, headers, compressed) => {
    const { ask } = await site(html)
    const answered = await ask('/', { headers: { ...TAKES, ...headers }, binary: true })
    expect(answered.headers['content-encoding']).toBe(compressed ? 'br' : undefined)
    expect(answered.headers.vary).toBe('Accept-Encoding')
    expect(unpacked(answered)).toBe(PAGE)
  })

  test('a compressed page has every other header, and its cookies', async () => {
    const { ask } = await site(html)
    const headers = { ...TAKES, cookie: 'porchlight-access=due', 'sec-fetch-site': 'same-origin' }
    const answered = await ask('/', { headers, binary: true })
    expect(answered.headers['content-encoding']).toBe('br')
    expect(answered.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-store',
      'content-type': 'text/html;charset=utf-8',
    })
    expect(answered.headers['content-security-policy']).toContain('nonce-')
    expect(answered.headers['set-cookie']).toHaveLength(2)
  })

  test('HEAD says what GET says of the coding, and sends nothing', async () => {
    const { ask } = await site(html)
    const answered = await ask('/', { method: 'HEAD', headers: TAKES })
    expect(answered.headers).toMatchObject({ 'content-encoding': 'br', vary: 'Accept-Encoding' })
    expect(answered.headers).not.toHaveProperty('content-length')
    expect(answered.body).toBe('')
  })

  test.each<[string, (outgoing: ServerResponse) => unknown]>([
    ['data', outgoing => void outgoing.setHeader('content-type', 'application/json')],
    [
      'what the site has compressed itself',
      outgoing => outgoing.setHeader('content-type', 'text/html').setHeader('content-encoding', 'zstd'),
    ],
    [
      'a part',
      outgoing => {
        outgoing.statusCode = 206
        outgoing.setHeader('content-type', 'text/html').setHeader('content-range', 'bytes 0-9/100')
      },
    ],
  ])('%s is left as it is', async (_, prepare) => {
    const { ask } = await site(outgoing => {
      prepare(outgoing)
      outgoing.end(PAGE)
    })
    const answered = await ask('/', { headers: TAKES })
    expect(answered.headers['content-encoding']).not.toBe('br')
    expect(answered.headers['content-length']).toBe(String(PAGE.length))
    expect(answered.body).toBe(PAGE)
  })

  test.each([204, 304])('%i has no body and no coding', async status => {
    const { ask } = await site(outgoing =>
      outgoing.writeHead(status, { 'content-type': 'text/html', etag: '"one"' }).end(),
    )
    const answered = await ask('/', { headers: TAKES })
    expect([answered.status, answered.body, answered.headers['content-encoding'], answered.headers.etag]).toEqual([
      status,
      '',
      undefined,
      '"one"',
    ])
    expect(answered.headers.vary).toBe('Accept-Encoding')
  })

  test('what a page says of its length, parts and validator holds for what is sent', async () => {
    const { ask } = await site(outgoing =>
      outgoing
        .writeHead(200, {
          'Content-Type': 'text/html',
          'Content-Length': String(PAGE.length),
          'Accept-Ranges': 'bytes',
          ETag: '"one"',
          Vary: 'Accept-Language',
        })
        .end(PAGE),
    )
    const packed = await ask('/', { headers: TAKES, binary: true })
    expect(packed.headers).toMatchObject({
      etag: 'W/"one"',
      vary: 'Accept-Language, Accept-Encoding',
      'content-encoding': 'br',
    })
    expect(packed.headers).not.toHaveProperty('content-length')
    expect(packed.headers).not.toHaveProperty('accept-ranges')
    expect(unpacked(packed)).toBe(PAGE)
    expect((await ask('/')).headers).toMatchObject({ etag: '"one"', 'content-length': String(PAGE.length) })
  })

  test('a page of a few bytes, an empty one and one that is not written at all arrive whole', async () => {
    for (const body of ['<!doctype html>', '', undefined]) {
      const { ask } = await site(outgoing => {
        outgoing.setHeader('content-type', 'text/html')
        outgoing.end(body)
      })
      const answered = await ask('/', { headers: TAKES })
      expect([answered.body, answered.headers['content-encoding']]).toEqual([body ?? '', undefined])
    }
  })

  test('a page that fails is told in plain words', async () => {
    const { ask } = await site(outgoing => {
      outgoing.setHeader('content-type', 'text/html')
      throw new Error('rendering failed')
    })
    const answered = await ask('/', { headers: { ...TAKES, accept: 'text/html' } })
    expect([answered.status, answered.headers['content-encoding']]).toEqual([500, undefined])
    expect(answered.headers['content-length']).toBe(String(Buffer.byteLength(answered.body)))
  })

  test('a cookie that cannot be sent is a plain 500', async () => {
    const { ask } = await site((outgoing, incoming) => {
      ;(incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)]?.setCookie('theme=a\nb')
      html(outgoing)
    })
    expect((await ask('/', { headers: TAKES })).status).toBe(500)
  })

  test('a page that is ended twice is sent once', async () => {
    const { ask } = await site(outgoing => {
      html(outgoing)
      outgoing.end('<p>more')
    })
    expect(unpacked(await ask('/', { headers: TAKES, binary: true }))).toBe(PAGE)
  })

  test.each(['br', 'gzip'])('HTML that is streamed arrives as it is written (%s)', async coding => {
    let go = () => {}
    const { port } = await site(async outgoing => {
      outgoing.setHeader('content-type', 'text/html')
      outgoing.write('<!doctype html><p>first')
      await new Promise<void>(resolve => (go = resolve))
      outgoing.end('<p>last')
    })
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET / HTTP/1.1\r\nHost: porch.example\r\nAccept-Encoding: ${coding}\r\nConnection: close\r\n\r\n`)
    const parts: Buffer[] = []
    socket.on('data', chunk => parts.push(chunk))
    const sofar = () => Buffer.concat(parts)
    const shown = () =>
      coding === 'br'
        ? brotliDecompressSync(bodyOf(sofar()), { finishFlush: constants.BROTLI_OPERATION_FLUSH })
        : gunzipSync(bodyOf(sofar()), { finishFlush: constants.Z_SYNC_FLUSH })
    await expect.poll(() => String(shown())).toBe('<!doctype html><p>first')
    go()
    await once(socket, 'close')
    const whole = bodyOf(sofar())
    expect((coding === 'br' ? brotliDecompressSync(whole) : gunzipSync(whole)).toString()).toBe(
      '<!doctype html><p>first<p>last',
    )
  })

  test('whoever writes faster than the reader reads is told to wait, and a reader who leaves ends the page', async () => {
    const noise = () => Buffer.from(Array.from({ length: 48 * 1024 }, () => 32 + Math.floor(Math.random() * 90)))
    let closed = false
    let waited = false
    let written = 0
    const { port } = await site(async outgoing => {
      outgoing.on('close', () => (closed = true))
      outgoing.setHeader('content-type', 'text/html')
      while (!closed && written < 4000) {
        written++
        if (!outgoing.write(noise())) {
          const drained = await Promise.race([once(outgoing, 'drain'), wait(300, null)])
          if (drained === null) break
        }
      }
      waited = true
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: porch.example\r\nAccept-Encoding: gzip\r\n\r\n')
    socket.pause()
    await expect.poll(() => waited, { timeout: 20_000 }).toBe(true)
    expect(written).toBeLessThan(4000)
    socket.destroy()
    await expect.poll(() => closed).toBe(true)
  }, 30_000)
})

/** The data of the chunks that have come (RFC 9112 §7.1). */
function bodyOf(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return Buffer.alloc(0)
  for (let at = end + 4; ;) {
    const line = bytes.indexOf('\r\n', at)
    const size = line === -1 ? 0 : Number.parseInt(bytes.subarray(at, line).toString(), 16)
    if (size === 0 || line + 2 + size > bytes.length) return Buffer.concat(parts)
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}

describe('pages of a folder of built files', () => {
  async function folder(content: string) {
    const root = mkdtempSync(join(tmpdir(), 'porchlight-pages-'))
    closing.push(() => rmSync(root, { recursive: true, force: true }))
    writeFileSync(join(root, 'index.html'), content)
    const frontEnd = await openFrontEnd(
      { kind: 'static', folder: root, sourceMaps: false, policy: null, headers: [] },
      systemClock,
      createLog('silent'),
    )
    const app = await startApp({ frontEnd })
    closing.push(() => app.close())
    return app
  }

  test.each([
    ['a page', PAGE],
    ['a large page', PAGE.repeat(100)],
  ])('%s that was not compressed when it was built is compressed for everybody', async (_, content) => {
    const { ask } = await folder(content)
    const plain = await ask('/')
    expect(plain.headers).toMatchObject({ vary: 'Accept-Encoding', 'accept-ranges': 'bytes' })
    const packed = await ask('/', { headers: { ...TAKES, cookie: SIGNED_IN }, binary: true })
    expect(packed.headers).toMatchObject({ 'content-encoding': 'br', vary: 'Accept-Encoding' })
    expect(packed.headers).not.toHaveProperty('accept-ranges')
    expect(unpacked(packed)).toBe(content)

    const { etag } = packed.headers
    expect(etag).not.toBe(plain.headers.etag)
    const again = await ask('/', { headers: { ...TAKES, 'if-none-match': String(etag) } })
    expect([again.status, again.headers.etag, again.headers.vary]).toEqual([304, etag, 'Accept-Encoding'])
    expect((await ask('/', { headers: { 'if-none-match': String(etag) } })).status).toBe(200)

    const head = await ask('/', { method: 'HEAD', headers: TAKES })
    expect(head.headers).toMatchObject({ 'content-encoding': 'br', etag })
    expect(head.headers['content-length']).toBeUndefined()
    const part = await ask('/', { headers: { ...TAKES, range: 'bytes=0-8' } })
    expect([part.status, part.body, part.headers['content-encoding']]).toEqual([206, '<!doctype', undefined])
  })
})
