/** An app that a layer brings: the keys of its words, in the place of what the server calls it. */
export interface LayerApp {
  /** Its page: an app of that name with another one is somebody else's. */
  href: string
  title: string
  description: string
  /** Another page of the layer. */
  more: { to: string; text: string }
}

export default defineAppConfig({
  /** By name. */
  apps: {} as Record<string, LayerApp>,
})
