/** What broke is for the log, not for the page: a message may name files or say what was looked for (ASVS 16.5.1). */
export default defineNuxtPlugin({
  name: 'error-words',
  enforce: 'pre',
  setup(nuxtApp) {
    const { error } = nuxtApp.payload
    if (error && (error.status ?? 500) >= 500) Object.assign(error, { message: 'Internal Server Error', statusText: 'Internal Server Error', data: undefined, stack: undefined })
  },
})
