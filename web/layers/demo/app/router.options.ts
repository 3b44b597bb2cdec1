import type { RouterConfig } from 'nuxt/schema'

/** The pages of this layer, as Nuxt names their routes. */
const PAGES: readonly unknown[] = ['notes', 'proof']

/** With `demo: false` the routes do not exist, and their addresses lead to the 404 page. */
export default {
  routes: routes => (useDemo().value ? routes : routes.filter(({ name }) => !PAGES.includes(name))),
} satisfies RouterConfig
