import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineNuxtConfig } from 'nuxt/config'
import { refuseCachedPages } from './route-rules.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/**
 * Set by site-build: each build has its own folder, and one for intermediate files. Development uses `.nuxt`, which a
 * build must not touch.
 */
const output = process.env.SITE_OUTPUT ?? here('./.output/site')
const intermediate = process.env.SITE_OUTPUT === undefined ? here('./.nuxt') : `${output}-work`

/**
 * What the pages with a form share, as one script: the bundler would make one for each set of pages that share a
 * component, which is a dozen of a few hundred bytes on the sign-in page.
 */
const FORMS = {
  name: 'forms',
  test: /components\/(?:ui\/(?:FormPage|FieldFrame|FormField|PasswordField|CheckField|SubmitButton|AppNotice|ProblemNotice)|auth\/(?:OrLine|Provider(?:Links|Choice|Icon|DataNote)))\.vue/,
}

export default defineNuxtConfig({
  compatibilityDate: '2026-11-01',
  ssr: true,
  buildDir: intermediate,
  telemetry: false,
  devtools: { enabled: false },
  alias: { '#contract': here('../server/contract') },
  css: ['~/assets/styles/main.css'],
  components: [{ path: '~/components', pathPrefix: false }],
  app: {
    // A root of its own, so that it cannot collide with another front end on the same origin.
    buildAssetsDir: '/_porchlight/',
    head: {
      meta: [
        { name: 'viewport', content: 'width=device-width, initial-scale=1' },
        { name: 'color-scheme', content: 'light dark' },
      ],
    },
  },
  experimental: {
    // A linked page is prefetched when the pointer or the focus reaches its link, not with every first page.
    defaults: { nuxtLink: { prefetchOn: 'interaction' } },
    // A streamed page would send its headers before the session's cookies are decided.
    ssrStreaming: false,
    appManifest: false,
    componentIslands: false,
    // An external Vue would bring its template compilers and a JavaScript parser: 6 MB that nothing here needs.
    externalVue: false,
  },
  features: { inlineStyles: false },
  // No component uses Vue's Options API, Nuxt's own included, so the browser need not load it.
  vite: {
    vue: { features: { optionsAPI: false } },
    $client: {
      build: {
        rolldownOptions: { output: { codeSplitting: { includeDependenciesRecursively: false, groups: [FORMS] } } },
      },
    },
  },
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
        // Firefox checks `<link rel="prefetch">` against `default-src 'none'` and has no other directive for it.
        for (const chunk of Object.values(manifest)) chunk.prefetch = false
      })
    },
  },
  // Development keeps Nuxt's own handler, which shows what broke.
  $production: { nitro: { errorHandler: here('./server/error-handler.ts') } },
  nitro: {
    preset: 'node-listener',
    output: { dir: output, serverDir: join(output, 'server'), publicDir: join(output, 'public') },
    prerender: { failOnError: true },
  },
})
