import type { RouterConfig } from 'nuxt/schema'

/** The pages of this layer, as Nuxt names their routes. */
const PAGES: readonly unknown[] = ['notes', 'proof']

/** Where the setting `demo` is false, the pages are not there: their addresses lead to the page that says so. */
export default {
  routes: routes => (useDemo().value ? routes : routes.filter(({ name }) => !PAGES.includes(name))),
} satisfies RouterConfig
