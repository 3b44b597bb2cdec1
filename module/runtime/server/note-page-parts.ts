import { defineNitroPlugin } from 'nitropack/runtime'
import type { RenderHooks } from './page-parts.ts'

/** The first of all plugins: notes what the application rendered, before other modules add to the page. */
export default defineNitroPlugin(nitro => {
  const hooks = nitro.hooks as unknown as RenderHooks
  hooks.hook('render:html', ({ head, bodyPrepend, bodyAppend }, { event }) => {
    event.context.porchlightRendered = new Set([...head, ...bodyPrepend, ...bodyAppend])
  })
})

declare module 'h3' {
  interface H3EventContext {
    /** Pieces of HTML that the application rendered itself. */
    porchlightRendered?: ReadonlySet<string>
  }
}
