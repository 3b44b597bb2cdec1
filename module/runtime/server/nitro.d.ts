// Nitro's own, there only inside a build.
declare module '#nitro-internal-pollyfills'
declare module '#porchlight/settings' {
  export const sharedNonce: string
  /** The key `porchlight` of nuxt.config. */
  export const settings: object
  /** What porchlight.config.ts exported, at the time of the build. */
  export const configFile: object
}
interface ImportMeta {
  _websocket?: boolean
  _tasks?: boolean
}
declare module 'nitropack/runtime/internal' {
  export function startScheduleRunner(): void
}
declare module 'porchlight/nuxt/start' {
  // eslint-disable-next-line @typescript-eslint/consistent-type-imports -- an import at the top would make this a module
  export function startNuxtApp(app: import('../../../server/http/site/built-nuxt-app.ts').BuiltNuxtApp): Promise<void>
}
