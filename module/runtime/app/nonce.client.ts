import { defineNuxtPlugin, injectHead } from 'nuxt/app'

/** Stamps the page's nonce on what `useHead` adds in the browser, so that its styles and scripts may run (HD-1). */
export default defineNuxtPlugin({
  name: 'nonce',
  enforce: 'pre',
  setup() {
    const nonce = document.querySelector<HTMLScriptElement>('script[nonce]')?.nonce
    if (nonce === undefined || nonce === '') return
    injectHead().use({
      key: 'nonce',
      hooks: {
        'tags:resolve': ({ tags }) => {
          for (const tag of tags) if (tag.tag === 'script' || tag.tag === 'style') tag.props.nonce = nonce
        },
      },
    })
  },
})
