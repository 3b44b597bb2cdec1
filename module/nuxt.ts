import { randomBytes } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { dirname, join } from 'node:path'
import {
  addComponent,
  addImports,
  addPlugin,
  addRouteMiddleware,
  addServerImports,
  addServerPlugin,
  addTypeTemplate,
  defineNuxtModule,
  getNuxtVersion,
  useLogger,
} from 'nuxt/kit'
import type { Nitro, NitroConfig } from 'nitropack/types'
import type { Nuxt } from 'nuxt/schema'
import { checkSettings } from '../server/config/load-config.ts'
import type { Settings } from '../server/config/settings.ts'
import { isReserved } from '../server/contract/reserved.ts'
import { checkProject } from './check-project.ts'
import { copyPackage } from './copy-package.ts'
import { standInFront } from './stand-in-front.ts'

/** Declared by a package that Nuxt depends on, and applications do not. */
interface NitroHooks {
  (name: 'nitro:config', hook: (config: NitroConfig) => void): void
  (name: 'nitro:init', hook: (nitro: Nitro) => void): void
}

/** The folder of the installed package. */
const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const runtime = (path: string) => fileURLToPath(new URL(`./runtime/${path}`, import.meta.url))
/** As the server's. */
const NONCE_BYTES = 16
const CONFIG_FILES = ['porchlight.config.ts', 'porchlight.config.json']

/**
 * Puts Porchlight in front of a Nuxt application, in one process: `modules: ['porchlight/nuxt']`. Settings are those of
 * `porchlight.config.ts`, of the key `porchlight`, and of the environment, each above the one before.
 */
export default defineNuxtModule<Settings>({
  meta: { name: 'porchlight', configKey: 'porchlight' },
  async setup(settings, nuxt) {
    checkProject({
      nuxtVersion: getNuxtVersion(nuxt),
      modules: nuxt.options.modules
        .map(one => (Array.isArray(one) ? one[0] : one))
        .filter(one => typeof one === 'string'),
      preset: (nuxt.options as { nitro?: { preset?: string } }).nitro?.preset ?? null,
      packageFolder: realpathSync(PACKAGE),
      foundFolder: packageSeenFrom(nuxt.options.rootDir),
      settingProblems: await checkSettings(settings),
    })
    warnOfHiddenPages(nuxt)
    nuxt.options.build.transpile.push(PACKAGE)
    // A streamed page would send its headers before the session's cookies are decided.
    nuxt.options.experimental.ssrStreaming = false
    addAppParts()
    addServerParts()
    trustAddedParts(nuxt)
    addTypes()
    if (nuxt.options._prepare) return
    if (nuxt.options.dev) standInFront(nuxt, settings)
    else buildIntoOneProcess(nuxt, settings)
  },
})

/** What `import 'porchlight'` finds in the project's own files. */
function packageSeenFrom(rootDir: string): string | null {
  try {
    return dirname(realpathSync(createRequire(join(rootDir, 'nuxt.config.ts')).resolve('porchlight/package.json')))
  } catch {
    return null
  }
}

function warnOfHiddenPages(nuxt: Nuxt): void {
  nuxt.hook('pages:resolved', pages => {
    for (const { path, file } of pages)
      if (isReserved(path) && file !== undefined)
        useLogger('porchlight').warn(`${file} is never shown: ${path} belongs to Porchlight's own pages.`)
  })
}

function addAppParts(): void {
  addPlugin({ src: runtime('app/nonce.server'), mode: 'server' })
  addPlugin({ src: runtime('app/nonce.client'), mode: 'client' })
  addPlugin({ src: runtime('app/session.server'), mode: 'server' })
  addPlugin({ src: runtime('app/session.client'), mode: 'client' })
  addRouteMiddleware({ name: 'porchlight-auth', path: runtime('app/auth-middleware'), global: true })
  addImports({ name: 'useUserSession', from: runtime('app/use-user-session') })
  addComponent({ name: 'AuthState', filePath: runtime('app/auth-state') })
}

function addServerParts(): void {
  addServerPlugin(runtime('server/provide-context'))
  addServerImports(['getUserSession', 'requireUserSession'].map(name => ({ name, from: runtime('server/session') })))
}

/** Other modules' plugins add to pages between these two, the application's own included. */
function trustAddedParts(nuxt: Nuxt): void {
  const hook = nuxt.hook as unknown as NitroHooks
  const [first, last] = [runtime('server/note-page-parts'), runtime('server/stamp-added-parts')]
  const others = (plugin: string | undefined): plugin is string =>
    plugin !== undefined && plugin !== first && plugin !== last
  const inOrder = (plugins: readonly (string | undefined)[] = []) => [first, ...plugins.filter(others), last]
  hook('nitro:config', config => {
    config.plugins = inOrder(config.plugins)
  })
  hook('nitro:init', nitro => {
    nitro.hooks.hook('build:before', () => {
      nitro.options.plugins = inOrder(nitro.options.plugins)
    })
  })
}

function addTypes(): void {
  addTypeTemplate(
    {
      filename: 'types/porchlight.d.ts',
      getContents: () => `import type { PageAuth } from '${runtime('app/auth-middleware')}'
declare module '#app' { interface PageMeta { auth?: PageAuth } }
declare module 'vue-router' { interface RouteMeta { auth?: PageAuth } }
export {}
`,
    },
    { nuxt: true, node: true },
  )
}

/** The build's entry starts Porchlight, with the application as a part of it. `nuxt generate` makes files only. */
function buildIntoOneProcess(nuxt: Nuxt, settings: Settings): void {
  const configFile = CONFIG_FILES.map(name => join(nuxt.options.rootDir, name)).find(existsSync)
  const hook = nuxt.hook as unknown as NitroHooks
  hook('nitro:config', config => {
    if (config.static) return
    config.preset ??= 'node-server'
    // Porchlight serves the files, before it asks who wants them.
    config.serveStatic = false
    config.compressPublicAssets ??= { gzip: true, brotli: true }
    const { inline = [] } = (config.externals ??= {})
    config.externals.inline = [...inline, PACKAGE]
    config.virtual = {
      ...config.virtual,
      '#porchlight/settings': `
        ${configFile === undefined ? 'const file = {}' : `import file from ${JSON.stringify(configFile)}`}
        export const configFile = file
        export const sharedNonce = ${JSON.stringify(randomBytes(NONCE_BYTES).toString('base64'))}
        export const settings = ${JSON.stringify(settings)}
      `,
    }
  })
  hook('nitro:init', nitro => {
    if (nitro.options.static) return
    // Not in the configuration, which prerendering takes over.
    nitro.options.entry = runtime('server/entry')
    nitro.hooks.hook('rollup:before', (_, rollup) => {
      const plugins = Array.isArray(rollup.plugins) ? rollup.plugins : []
      const own = {
        name: 'porchlight',
        resolveId: (id: string) => (/^porchlight(?:\/|$)/.test(id) ? { id, external: true } : null),
      }
      rollup.plugins = [own, ...plugins]
    })
    nitro.hooks.hook('compiled', () => copyPackage(PACKAGE, join(nitro.options.output.serverDir, 'node_modules')))
  })
}
