import { afterAll, expect, test } from 'vitest'
import { scriptsOf } from '../../bench/page-weight.ts'
import { buildSiteAnew, ensureSiteBuilt } from '../../web/build.ts'
import { setUp } from '../support/people.ts'
import { startServer, stopAll } from '../support/server.ts'

afterAll(stopAll)

test('a new build takes nothing from a server that runs the last one; the next start takes the new one, and builds nothing', { timeout: 300_000 }, async () => {
  const before = await ensureSiteBuilt(() => {})
  const server = await startServer()
  const { browser } = await setUp(server.origin)
  const [script = ''] = scriptsOf((await browser.page('/account')).text)

  const after = await buildSiteAnew(() => {})
  expect(after.root).not.toBe(before.root)
  const said: string[] = []
  expect((await ensureSiteBuilt(line => said.push(line))).root).toBe(after.root)
  expect(said).toEqual([])

  // A page and a script that nobody has asked for yet are still read from the disk.
  expect((await browser.page('/people')).status).toBe(200)
  expect((await browser.get(script)).status).toBe(200)
  const next = await startServer()
  expect((await next.stop(), (await browser.page('/account/security')).status)).toBe(200)
})
