import assert from 'node:assert/strict'
import { scriptsOf } from '../../bench/page-weight.ts'
import { rebuildSite, ensureSiteBuilt } from '../../site-build/build-site.ts'
import { setUp } from '../support/people.ts'
import { startServer, stopAll } from '../support/server.ts'

// A new build takes nothing from a server that runs the last one; the next start takes the new one, and builds nothing.
// A script of `.ci/run`, because a build takes a while.

try {
  const before = await ensureSiteBuilt(() => {})
  const server = await startServer()
  const { browser } = await setUp(server.origin)
  const [script = ''] = scriptsOf((await browser.page('/account')).text)

  const after = await rebuildSite(() => {})
  assert.notEqual(after.root, before.root)
  const said: string[] = []
  assert.equal((await ensureSiteBuilt(line => said.push(line))).root, after.root)
  assert.deepEqual(said, [])

  // A page and a script that nobody has asked for yet are still read from the disk.
  assert.equal((await browser.page('/people')).status, 200)
  assert.equal((await browser.get(script)).status, 200)
  const next = await startServer()
  await next.stop()
  assert.equal((await browser.page('/account/security')).status, 200)
} finally {
  await stopAll()
}
process.stdout.write('\nThe running server kept its files, and the next start took the new ones.\n')
