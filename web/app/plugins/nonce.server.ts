import type { SiteContext } from '#contract/site-context.ts'

/**
 * Stamps the response's nonce on every script, style and preload of the page, Nuxt's own and the error page's included
 * (HD-1).
 */
export default defineNuxtPlugin({
  name: 'nonce',
  enforce: 'pre',
  setup(nuxtApp) {
    const context: SiteContext | undefined = nuxtApp.ssrContext?.event.context.porchlight
    if (context === undefined) return
    nuxtApp.ssrContext?.head.use({
      key: 'nonce',
      hooks: {
        'tags:resolve': ({ tags }) => {
          for (const tag of tags) {
            if (tag.tag === 'script' || tag.tag === 'style' || tag.tag === 'link') tag.props.nonce = context.nonce
          }
        },
      },
    })
  },
})
