import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { launchChromium, newContext } from '../support/chromium.ts'
import { freePort, ROOT, statusOf, temporaryFolder, waitUntil } from '../support/server.ts'

/**
 * A component that only this test knows. Its name starts with a dot: neither a build nor a scan for components sees it.
 */
const PROBE = join(ROOT, 'web/app/.hot-reload-probe.vue')
const probe = (text: string) => `<script lang="ts">
import { createApp, ref } from 'vue'

const Probe = { setup: () => ({ clicks: ref(0) }) }
export const mount = (component: object, at: Element) => createApp(component).mount(at)
export default Probe
</script>

<template><button id="probe" @click="clicks++">${text} {{ clicks }}</button></template>
`

let child: ChildProcess | null = null
afterAll(async () => {
  rmSync(PROBE, { force: true })
  if (child !== null && child.exitCode === null) {
    const ended = new Promise(done => child?.once('exit', done))
    child.kill('SIGKILL')
    await ended
  }
})

// Each wait has a bound of its own: the whole may take as long as they do together, on a busy machine with nothing
// cached.
test(
  'npm run dev: an edit reaches an open page through the one origin, without a reload and with its state kept',
  { timeout: 240_000 },
  async () => {
    const port = await freePort()
    const origin = `http://localhost:${port}`
    const inherited = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('PORCHLIGHT_') && !name.startsWith('VITEST') && name !== 'NODE_ENV',
    )
    let output = ''
    writeFileSync(PROBE, probe('before'))
    child = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'server/porchlight.mjs'), 'dev'], {
      cwd: ROOT,
      env: {
        ...Object.fromEntries(inherited),
        PORCHLIGHT_PUBLIC_URL: origin,
        PORCHLIGHT_PORT: String(port),
        PORCHLIGHT_DATA_DIR: temporaryFolder(),
      },
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (output += String(chunk)))
    await waitUntil(
      async () => (await statusOf(port, '/healthz')) === 200,
      'the dev server; it wrote:\n',
      () => output,
      60_000,
    )

    const browser = await launchChromium()
    try {
      const { page, trouble } = await newContext(browser)
      const elsewhere: string[] = []
      page.on('request', request => (request.url().startsWith(origin) ? undefined : elsewhere.push(request.url())))
      await page.goto(`${origin}/sign-in`, { timeout: 120_000 })
      await waitUntil(
        () => page.evaluate<boolean>('window.useNuxtApp?.().isHydrating === false'),
        'the page to be live',
      )

      await page.evaluate(`import('/_porchlight/.hot-reload-probe.vue').then(probe => {
      const place = document.body.appendChild(document.createElement('div'))
      probe.mount(probe.default, place)
    })`)
      await page.click('#probe')
      expect(await page.textContent('#probe')).toBe('before 1')

      writeFileSync(PROBE, probe('after'))
      await waitUntil(
        async () => (await page.textContent('#probe'))?.startsWith('after') ?? false,
        'the edit to arrive',
      )
      expect(await page.textContent('#probe')).toBe('after 1')
      expect(elsewhere).toEqual([])
      expect(trouble.csp).toEqual([])
    } finally {
      await browser.close()
    }
  },
)
