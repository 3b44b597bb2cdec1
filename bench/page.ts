import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Visitor } from '../tests/support/client.ts'
import { freePort } from '../tests/support/server.ts'
import { against, headersOf } from './against.ts'
import { startBare } from './baselines.ts'
import type { Bench, Figure } from './figure.ts'
import { gzipSize, scriptsOf, SIGN_IN_BUDGET } from './page-weight.ts'

/** A page that shows who is signed in, against the same build with nothing around it. */
export async function measurePage(bench: Bench): Promise<Figure[]> {
  const { path, headers, ...bare } = await startBarePage(bench)
  return [
    {
      what: 'page /account, signed in',
      unit: '× the same build alone',
      ...(await against(bench.server, bare, { request: { path, headers, cookies: null }, by: 'rate', least: 0.9 })),
    },
  ]
}

/**
 * The same build of the site on node:http, with a session that is always the same.
 * @throws Error when its page is not the page that we render
 */
export async function startBarePage({
  server,
  browser,
  site,
}: Bench): Promise<{ child: ChildProcess; port: number; path: string; headers: Record<string, string> }> {
  const path = '/account'
  const port = await freePort()
  const calls = await answersTo(browser, ['/auth/methods', '/auth/links'])
  const child = await startBare('bare-nuxt', { port, entry: site.entry, session: await browser.session(), calls })
  const headers = headersOf(browser)
  if ((await pageOf(server.port, path, headers)) !== (await pageOf(port, path, headers))) {
    child.kill()
    throw new Error('the two do not render the same page: their figures cannot be compared')
  }
  return { child, port, path, headers }
}

/** What the page asks for while it renders, as that visitor gets it. */
async function answersTo(browser: Visitor, paths: readonly string[]): Promise<Record<string, object>> {
  return Object.fromEntries(
    await Promise.all(paths.map(async path => [path, (await browser.get(path)).json<object>()] as const)),
  )
}

/** A page without what is different each time: its nonce, and how far the session's end has moved. */
async function pageOf(port: number, path: string, headers: Record<string, string>): Promise<string> {
  const [answer] = (await once(get({ host: '127.0.0.1', port, path, headers, agent: false }), 'response')) as [
    IncomingMessage,
  ]
  return (await text(answer)).replaceAll(/nonce="[^"]+"/g, 'nonce=""').replaceAll(/\b\d{13}\b/g, '0')
}

/** What a newcomer's browser loads before it can sign in. */
export async function measureScripts({ browser, site }: Bench): Promise<Figure[]> {
  const scripts = scriptsOf((await browser.stranger().page('/sign-in')).text)
  const bytes = gzipSize(site.root, scripts)
  return [
    {
      what: 'JavaScript of /sign-in',
      measured: bytes / 1000,
      unit: 'KB gzip',
      target: `≤ ${SIGN_IN_BUDGET / 1000}`,
      met: scripts.length > 0 && bytes <= SIGN_IN_BUDGET,
      detail: `${scripts.length} files`,
    },
  ]
}
