import { defineNuxtPlugin } from 'nuxt/app'
import type { SiteContext } from '../../../server/contract/site-context.ts'
import { useSessionState } from './session-state.ts'

/** Puts what the server already knows about the visitor into the first byte of the page. */
export default defineNuxtPlugin({
  name: 'porchlight:session',
  enforce: 'pre',
  setup(nuxtApp) {
    const context = nuxtApp.ssrContext?.event.context['porchlight'] as SiteContext | undefined
    if (context !== undefined) useSessionState().value = context.session
  },
})
