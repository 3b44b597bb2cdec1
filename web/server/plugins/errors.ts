import { isError } from 'h3'

/** What broke while rendering goes into the log; whoever asked learns only that something did: a message may name files, or
 * say what was looked for (ASVS 16.5.1). What nobody caught, Nitro itself logs and hides. */
export default defineNitroPlugin((nitro) => {
  nitro.hooks.hook('error', (error) => {
    if (!isError(error) || error.unhandled || error.statusCode < 500) return
    // eslint-disable-next-line no-console -- the site has no logger of its own; the process's error stream is the log's
    console.error(error.cause ?? error)
    error.message = 'Internal Server Error'
    error.data = undefined
  })
})
