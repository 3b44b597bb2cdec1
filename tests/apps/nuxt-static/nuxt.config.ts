// Built by `nuxt generate` with this repository's own Nuxt.
export default defineNuxtConfig({
  compatibilityDate: '2026-11-01',
  telemetry: false,
  app: {
    head: {
      title: 'Shop',
      link: [{ rel: 'icon', href: 'data:,' }],
      script: [
        { innerHTML: "document.documentElement.dataset.theme = 'light'" },
        { type: 'module', src: '/_porchlight/client.js' },
      ],
    },
  },
})
