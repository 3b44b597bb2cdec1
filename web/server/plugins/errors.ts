import { isError } from 'h3'

/** What broke while rendering goes into the log; whoever asked learns only that something did: a message may name files, or
 * say what was looked for (ASVS 16.5.1). What nobody caught, Nitro itself logs and hides. */
export default defineNitroPlugin((nitro) => {
  nitro.hooks.hook('error', (error, { event }) => {
    if (!isError(error) || error.unhandled || error.statusCode < 500) return
    const context = event === undefined ? null : findSiteContext(event)
    // eslint-disable-next-line no-console -- without a request there is no log but the process's error stream
    if (context === null) console.error(error.cause ?? error)
    else context.report(error.cause ?? error)
    error.message = 'Internal Server Error'
    error.data = undefined
  })
})
