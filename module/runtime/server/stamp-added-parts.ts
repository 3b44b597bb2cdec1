import { defineNitroPlugin } from 'nitropack/runtime'
import { type RenderHooks, withNonce } from './page-parts.ts'

/**
 * The last of all plugins: stamps the nonce on what other modules' plugins added, such as the inline script of a colour
 * mode. Never on the rendered body, which may contain what people have written.
 */
export default defineNitroPlugin(nitro => {
  const hooks = nitro.hooks as unknown as RenderHooks
  hooks.hook('render:html', (html, { event }) => {
    const { porchlightNonce: nonce = null, porchlightRendered: rendered } = event.context
    if (nonce === null || rendered === undefined) return
    for (const part of ['head', 'bodyPrepend', 'bodyAppend'] as const)
      html[part] = html[part].map(tags => (rendered.has(tags) ? tags : withNonce(tags, nonce)))
  })
})
