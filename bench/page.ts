import { freePort } from '../tests/support/server.ts'
import { against, headersOf } from './against.ts'
import { startBare } from './baselines.ts'
import type { Bench, Figure } from './figure.ts'
import { gzipSize, scriptsOf, SIGN_IN_BUDGET } from './page-weight.ts'

/** A page that shows who is signed in, against the same build with nothing around it. */
export async function measurePage({ server, browser, site }: Bench): Promise<Figure[]> {
  const port = await freePort()
  const child = await startBare('bare-nuxt', { port, entry: site.entry, session: await browser.session() })
  return [{ what: 'page /account, signed in', unit: '× the same build alone', ...await against(server, { child, port }, { path: '/account', headers: headersOf(browser) }, 0.9) }]
}

/** What a newcomer's browser loads before it can sign in. */
export async function measureScripts({ browser, site }: Bench): Promise<Figure[]> {
  const scripts = scriptsOf((await browser.stranger().page('/sign-in')).text)
  const bytes = gzipSize(site.root, scripts)
  return [{ what: 'JavaScript of /sign-in', measured: bytes / 1000, unit: 'KB gzip', target: `≤ ${SIGN_IN_BUDGET / 1000}`, met: scripts.length > 0 && bytes <= SIGN_IN_BUDGET, detail: `${scripts.length} files` }]
}
