/** Whether the demo's pages are available. The server knows the setting and passes it on with the page. */
export const useDemo = () => useState('demo', () => useNuxtApp().ssrContext?.event.context.porchlight?.demo ?? true)
