/** As modules do: a script beside the rendered body. */
export default defineNitroPlugin(nitro => {
  nitro.hooks.hook('render:html', html => {
    html.body.push('<script>window.added = true</script>')
  })
})
