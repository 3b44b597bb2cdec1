export default defineNuxtConfig({
  compatibilityDate: '2026-11-01',
  modules: ['porchlight/nuxt'],
  devtools: { enabled: false },
  nitro: { experimental: { websocket: true } },
  typescript: { strict: true },
  routeRules: {
    '/printed': { prerender: true },
    '/news': { swr: 60 },
    '/browser-only': { ssr: false },
  },
})
