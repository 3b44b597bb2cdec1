// The module with its own defaults; the session route that is measured is the module's.
export default defineNuxtConfig({
  modules: ['nuxt-auth-utils'],
  compatibilityDate: '2026-01-01',
  telemetry: false,
  runtimeConfig: { session: { cookie: { secure: false } } },
})
