import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineNuxtConfig } from 'nuxt/config'
import { DISPLAY_NAME } from '../server/contract/name.ts'
import { refuseCachedPages } from './route-rules.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/**
 * Said by build.ts: each build has a folder of its own, and one for what is made on the way. Development has `.nuxt`,
 * which a build beside it must not write to.
 */
const output = process.env.SITE_OUTPUT ?? here('./.output/site')
const onTheWay = process.env.SITE_OUTPUT === undefined ? here('./.nuxt') : `${output}-work`

export default defineNuxtConfig({
  compatibilityDate: '2026-11-01',
  ssr: true,
  buildDir: onTheWay,
  telemetry: false,
  devtools: { enabled: false },
  alias: { '#contract': here('../server/contract') },
  css: ['~/assets/styles/main.css'],
  components: [{ path: '~/components', pathPrefix: false }],
  app: {
    // Its own root, so that it cannot collide with another front end behind the same origin.
    buildAssetsDir: '/_porchlight/',
    head: {
      titleTemplate: `%s · ${DISPLAY_NAME}`,
      meta: [
        { name: 'viewport', content: 'width=device-width, initial-scale=1' },
        { name: 'color-scheme', content: 'light dark' },
      ],
      link: [{ rel: 'icon', type: 'image/svg+xml', href: '/favicon.svg' }],
    },
  },
  experimental: {
    // Pages behind links are fetched when a pointer or the keyboard comes near, not with every first page.
    defaults: { nuxtLink: { prefetchOn: 'interaction' } },
    // A streamed page has sent its headers before the session's cookies are decided.
    ssrStreaming: false,
    appManifest: false,
    componentIslands: false,
    // Vue beside the bundle would bring the compilers of templates and a parser of JavaScript along: 6 MB that nothing
    // here needs.
    externalVue: false,
  },
  features: { inlineStyles: false },
  // No component here is written in Vue's Options API, nor is any of Nuxt's: the browser need not load it.
  vite: { vue: { features: { optionsAPI: false } } },
  typescript: {
    typeCheck: false,
    strict: true,
    tsConfig: {
      include: ['../client/**/*'],
      compilerOptions: { allowImportingTsExtensions: true, noUncheckedIndexedAccess: true },
    },
  },
  hooks: {
    ready(nuxt) {
      refuseCachedPages(nuxt.options.routeRules ?? {})
      nuxt.hook('build:manifest', manifest => {
        // Firefox holds `<link rel="prefetch">` against `default-src 'none'`, and has no other directive for it.
        for (const chunk of Object.values(manifest)) chunk.prefetch = false
      })
    },
  },
  // Development keeps Nuxt's own, which shows what broke.
  $production: { nitro: { errorHandler: here('./server/error-handler.ts') } },
  nitro: {
    preset: 'node-listener',
    output: { dir: output, serverDir: join(output, 'server'), publicDir: join(output, 'public') },
    prerender: { failOnError: true },
  },
})
