/** An app that a layer provides: keys of the sentences shown in place of the server's title and description. */
export interface LayerApp {
  /** Its page. An app with the same name and another page is not the layer's. */
  href: string
  title: string
  description: string
  /** A link beside the list of apps. */
  more: { to: string; text: string }
}

export default defineAppConfig({
  /** By name. */
  apps: {} as Record<string, LayerApp>,
})
