import { fileURLToPath } from 'node:url'
import { defineNuxtConfig } from 'nuxt/config'

/** The pages /notes and /proof, and everything that only they need. */
export default defineNuxtConfig({
  components: [{ path: fileURLToPath(new URL('./app/components', import.meta.url)), pathPrefix: false }],
})
