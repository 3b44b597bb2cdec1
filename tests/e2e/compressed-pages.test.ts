import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { hydrated, launchChromium, newContext, NO_TROUBLE } from '../support/chromium.ts'
import { signInByForm } from '../support/forms.ts'
import { setUp } from '../support/people.ts'
import { startServer, stopAll } from '../support/server.ts'

afterAll(stopAll)

async function page(port: number, path: string, headers: Record<string, string>) {
  const [answer] = (await once(get({ host: '127.0.0.1', port, path, headers, agent: false }), 'response')) as [
    IncomingMessage,
  ]
  const bytes = await buffer(answer)
  const coding = answer.headers['content-encoding']
  const text = coding === 'br' ? brotliDecompressSync(bytes) : coding === 'gzip' ? gunzipSync(bytes) : bytes
  return { status: answer.statusCode, headers: answer.headers, bytes: bytes.length, text: text.toString() }
}

test('the pages of the site are a third as long on the line, and the same', async () => {
  const server = await startServer()
  const { browser } = await setUp(server.origin)
  const host = new URL(server.origin).host
  const signedIn = {
    Host: host,
    'User-Agent': browser.userAgent,
    Cookie: browser.jar.header() ?? '',
    'Sec-Fetch-Site': 'none',
    'Sec-Fetch-Mode': 'navigate',
  }
  for (const [path, headers] of [
    ['/sign-in', { Host: host }],
    ['/account', signedIn],
  ] as const) {
    const plain = await page(server.port, path, headers)
    for (const coding of ['br', 'gzip']) {
      const packed = await page(server.port, path, { ...headers, 'Accept-Encoding': coding })
      expect([packed.status, packed.headers['content-encoding'], packed.headers.vary]).toEqual([
        200,
        coding,
        'Accept-Encoding',
      ])
      expect(packed.bytes).toBeLessThan(plain.bytes / 3)
      expect(comparable(packed.text)).toBe(comparable(plain.text))
    }
  }
})

/** Without what is made anew for each answer, or moves with the time. */
function comparable(text: string): string {
  return text.replaceAll(/nonce="[^"]+"/g, '').replaceAll(/\b\d{13}\b/g, '')
}

test("BREACH: a browser gets a page of somebody signed in compressed from our own pages, and not from a stranger's site", async () => {
  const server = await startServer()
  const { person } = await setUp(server.origin)
  const strangers = createServer((_, outgoing) =>
    outgoing.setHeader('content-type', 'text/html').end(`<a href="${server.origin}/account?guess">go</a>`),
  ).listen(0, '127.0.0.1')
  await once(strangers, 'listening')
  const browser = await launchChromium()
  try {
    const { page: tab, trouble } = await newContext(browser)
    const codingOf = async (go: () => Promise<unknown>, path: string) => {
      const [answer] = await Promise.all([
        tab.waitForResponse(
          response => new URL(response.url()).pathname === path && response.request().isNavigationRequest(),
        ),
        go(),
      ])
      return (await answer.allHeaders())['content-encoding']
    }
    expect(await codingOf(() => tab.goto(`${server.origin}/sign-in`), '/sign-in')).toBe('br')
    await signInByForm(tab, person)
    expect(await codingOf(() => tab.evaluate('location.assign("/account")'), '/account')).toBe('br')
    await hydrated(tab)
    expect(await tab.content()).toContain(person.email)

    await tab.goto(`http://127.0.0.1:${(strangers.address() as AddressInfo).port}/`)
    expect(await codingOf(() => tab.getByText('go').click(), '/account')).toBeUndefined()
    await hydrated(tab)
    expect(await tab.content()).toContain(person.email)
    expect(trouble).toEqual(NO_TROUBLE)
  } finally {
    await browser.close()
    strangers.close()
  }
})
