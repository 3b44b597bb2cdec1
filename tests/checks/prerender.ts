import { rmSync } from 'node:fs'
import { join } from 'node:path'
import * as nuxtModule from 'nuxt'

// A prerendered page is everybody's, so the build has to fail on one that reads who is signed in, as ours do, and to
// say why. A script of `.ci/run`, because a build takes a while. Exit 0: the build failed, for that reason.

interface Builder {
  loadNuxt(options: object): Promise<{ close(): Promise<void> }>
  build(nuxt: object): Promise<void>
}

const REASON = 'A prerendered page has no visitor'
const ROOT = join(import.meta.dirname, '..', '..')
const folder = join(ROOT, '.cache', 'prerender')

// As `nuxt build` sets it: the site's error handler is part of production only.
process.env.NODE_ENV = 'production'
process.env.SITE_OUTPUT = join(folder, 'site')
let said = ''
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream)
  stream.write = ((text: string | Uint8Array, ...rest: []) => {
    said += String(text)
    return write(text, ...rest)
  }) as typeof stream.write
}

// Its types want those of every module that a site may have.
const { loadNuxt, build } = nuxtModule as unknown as Builder
const nuxt = await loadNuxt({
  cwd: join(ROOT, 'web'),
  overrides: { dev: false, buildDir: join(folder, 'work'), nitro: { prerender: { routes: ['/account'] } } },
})
const failed = await build(nuxt).then(
  () => false,
  () => true,
)
await nuxt.close()
rmSync(folder, { recursive: true, force: true })
const held = failed && said.includes(REASON)
process.stdout.write(
  held
    ? '\nThe build refused to prerender a page that reads the session.\n'
    : `\nThe build ${failed ? 'failed for another reason' : 'went through'}.\n`,
)
process.exit(held ? 0 : 1)
