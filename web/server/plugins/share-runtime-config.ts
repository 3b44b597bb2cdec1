/**
 * Otherwise Nitro copies the configuration for each page and looks up every value in the environment, which takes 5 %
 * of the render.
 */
export default defineNitroPlugin(nitro => {
  nitro.hooks.hook('request', event => {
    event.context.nitro.runtimeConfig = useRuntimeConfig()
  })
})
