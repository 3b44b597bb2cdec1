import { defineNitroPlugin } from 'nitropack/runtime'
import type { RenderHooks } from './page-parts.ts'

/** Nuxt's own mark. Nothing that people have written is in such a page. */
const MADE_IN_BROWSER = /<script[^>]* data-ssr="false"/
const WITHOUT_NONCE = /<(?:script|style|link)(?=[\s>])(?![^>]*\snonce=)/g
const AROUND = ['head', 'bodyPrepend', 'bodyAppend'] as const

/**
 * The last of all plugins: stamps the nonce on what other modules' plugins added, such as the inline script of a colour
 * mode. Never on a rendered body, which may contain what people have written. In a page that is made in the browser the
 * application has stamped nothing, because it has not run.
 */
export default defineNitroPlugin(nitro => {
  const hooks = nitro.hooks as unknown as RenderHooks
  hooks.hook('render:html', (html, { event }) => {
    const { porchlightNonce: nonce = null, porchlightRendered: rendered } = event.context
    if (nonce === null || rendered === undefined) return
    const isMadeInBrowser = html.bodyAppend.some(tags => MADE_IN_BROWSER.test(tags))
    for (const part of isMadeInBrowser ? ([...AROUND, 'body'] as const) : AROUND)
      html[part] = html[part].map(tags =>
        isMadeInBrowser || !rendered.has(tags) ? tags.replace(WITHOUT_NONCE, `$& nonce="${nonce}"`) : tags,
      )
  })
})
