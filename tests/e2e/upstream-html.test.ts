import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { launchChromium, newContext } from '../support/chromium.ts'
import { signInByForm } from '../support/forms.ts'
import { setUp } from '../support/people.ts'
import { startServer, stopAll } from '../support/server.ts'

const PAGE = `<!doctype html><title>as it came</title>
<script>document.title = 'ran'; fetch('/auth/logout', { method: 'POST' })</script>
<img src="/api/evil/none.png" onerror="document.title = 'ran'; fetch('/auth/logout', { method: 'POST' })">
<form method="post" action="/auth/logout"><button>win a prize</button></form>
<a href="javascript:document.title='ran'">more</a>`

const upstream = http.createServer((_request, response) =>
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE),
)
afterAll(async () => {
  upstream.closeAllConnections()
  upstream.close()
  await stopAll()
})

test('HTML of an upstream is shown, and neither its scripts nor its forms act with the power of whoever looks at it', async () => {
  await new Promise<void>(done => upstream.listen(0, '127.0.0.1', done))
  const target = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const server = await startServer({
    settings: {
      UPSTREAMS: JSON.stringify([
        { name: 'evil', target },
        { name: 'trusted', target, document: true },
      ]),
    },
  })
  const { person } = await setUp(server.origin)
  const chromium = await launchChromium()
  try {
    const { page } = await newContext(chromium, { baseURL: server.origin })
    await signInByForm(page, person)
    const asked: string[] = []
    page.on('request', request => asked.push(`${request.method()} ${new URL(request.url()).pathname}`))
    expect((await page.goto('/api/evil/page'))?.status()).toBe(200)
    await page.click('a')
    await page.click('button')
    await page.waitForTimeout(200)
    expect(await page.title()).toBe('as it came')
    expect(asked.filter(one => one.endsWith('/auth/logout'))).toEqual([])
    expect(await (await page.request.get('/auth/session')).json()).toMatchObject({ user: { email: person.email } })

    // The same page where the route says that it is a document of ours: what is kept from it above, it does.
    await page.goto('/api/trusted/page')
    await expect.poll(() => page.title()).toBe('ran')
    await expect.poll(() => asked).toContain('POST /auth/logout')
  } finally {
    await chromium.close()
  }
})
