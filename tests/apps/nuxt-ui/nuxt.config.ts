export default defineNuxtConfig({
  compatibilityDate: '2026-11-01',
  modules: ['@nuxt/ui', '@nuxtjs/i18n', '@nuxt/content', 'porchlight/nuxt'],
  css: ['~/assets/main.css'],
  content: { experimental: { sqliteConnector: 'native' } },
  routeRules: { '/guide/wicks': { prerender: true } },
  // Fonts would be fetched from elsewhere.
  ui: { fonts: false },
  i18n: {
    defaultLocale: 'en',
    locales: [
      { code: 'en', file: 'en.json' },
      { code: 'zh', file: 'zh.json' },
    ],
  },
})
