import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineNuxtConfig } from 'nuxt/config'
import { DISPLAY_NAME } from '../server/contract/name.ts'
import { refuseCachedPages } from './route-rules.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Said by build.ts: each build has a folder of its own, and one for what is made on the way. Development has `.nuxt`, which
 * a build beside it must not write to. */
const output = process.env.SITE_OUTPUT ?? here('./.output/site')
const onTheWay = process.env.SITE_OUTPUT === undefined ? here('./.nuxt') : `${output}-work`

export default defineNuxtConfig({
  compatibilityDate: '2026-11-01',
  modules: ['@nuxtjs/i18n'],
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
  },
  features: { inlineStyles: false },
  typescript: { typeCheck: false, strict: true, tsConfig: { include: ['../client/**/*'], compilerOptions: { allowImportingTsExtensions: true, noUncheckedIndexedAccess: true } } },
  hooks: {
    ready(nuxt) {
      refuseCachedPages(nuxt.options.routeRules ?? {})
      // The words are wanted before the browser draws anything anew, and plugins/language.ts asks for their preload. The
      // module turns that off, so this has to come after it.
      nuxt.hook('build:manifest', (manifest) => {
        for (const [id, chunk] of Object.entries(manifest)) if (id.includes('i18n/locales/')) chunk.preload = true
      })
    },
  },
  nitro: {
    preset: 'node-listener',
    output: { dir: output, serverDir: join(output, 'server'), publicDir: join(output, 'public') },
    prerender: { failOnError: true },
  },
  i18n: {
    strategy: 'no_prefix',
    defaultLocale: 'en',
    locales: [
      { code: 'en', language: 'en', name: 'English', file: 'en.ts' },
      { code: 'zh-CN', language: 'zh-CN', name: '简体中文', file: 'zh-CN.ts' },
    ],
    // The browser's language decides until somebody chooses; only a choice is kept (plugins/language.ts).
    detectBrowserLanguage: { useCookie: false },
    bundle: { fullInstall: false },
  },
})
