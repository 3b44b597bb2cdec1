import { defineNitroPlugin } from 'nitropack/runtime'
import { copyParts, type PageParts, type RenderHooks } from './page-parts.ts'

/** The first of all plugins: notes what the application rendered, before other modules add to the page. */
export default defineNitroPlugin(nitro => {
  const hooks = nitro.hooks as unknown as RenderHooks
  hooks.hook('render:html', (html, { event }) => {
    event.context.porchlightRendered = copyParts(html)
  })
})

declare module 'h3' {
  interface H3EventContext {
    /** The page as the application rendered it. */
    porchlightRendered?: PageParts
  }
}
