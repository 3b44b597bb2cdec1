import { defineNitroPlugin } from 'nitropack/runtime'
import { type RenderHooks, stampAddedParts } from './page-parts.ts'

/** The last of all plugins: trusts what other modules' plugins added to the page. */
export default defineNitroPlugin(nitro => {
  const hooks = nitro.hooks as unknown as RenderHooks
  hooks.hook('render:html', (html, { event }) => {
    const { porchlightNonce: nonce = null, porchlightRendered: rendered } = event.context
    if (nonce !== null && rendered !== undefined) stampAddedParts(html, rendered, nonce)
  })
})
