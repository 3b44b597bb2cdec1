import { defineNuxtPlugin } from 'nuxt/app'

/**
 * Stamps the response's nonce on every script, style and preload of the page, Nuxt's own and the error page's included
 * (HD-1).
 */
export default defineNuxtPlugin({
  name: 'nonce',
  enforce: 'pre',
  setup(nuxtApp) {
    const nonce = (nuxtApp.ssrContext?.event.context['porchlightNonce'] ?? null) as string | null
    if (nonce === null) return
    nuxtApp.ssrContext?.head.use({
      key: 'nonce',
      hooks: {
        'tags:resolve': ({ tags }) => {
          for (const tag of tags) {
            if (tag.tag === 'script' || tag.tag === 'style' || tag.tag === 'link') tag.props.nonce = nonce
          }
        },
      },
    })
  },
})
