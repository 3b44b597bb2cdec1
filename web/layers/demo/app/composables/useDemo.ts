/** Whether the demo's pages are there. The server knows the setting; the browser is told with the page. */
export const useDemo = () => useState('demo', () => useNuxtApp().ssrContext?.event.context.porchlight?.demo ?? true)
