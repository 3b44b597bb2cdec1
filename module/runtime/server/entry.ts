import '#nitro-internal-pollyfills'
import wsAdapter from 'crossws/adapters/node'
import { toNodeListener } from 'h3'
import { useNitroApp } from 'nitropack/runtime'
import { startScheduleRunner } from 'nitropack/runtime/internal'
import { startNuxtApp } from 'porchlight/nuxt/start'
import { configFile, settings, sharedNonce } from '#porchlight/settings'

// What `.output/server/index.mjs` does: the application is not a server, but part of Porchlight's.

const nitro = useNitroApp()
const socket = import.meta._websocket ? wsAdapter(nitro.h3App.websocket) : null
if (import.meta._tasks) void startScheduleRunner()

await startNuxtApp({
  listener: toNodeListener(nitro.h3App),
  upgrade: socket === null ? null : socket.handleUpgrade,
  publicFolder: new URL('../public', import.meta.url),
  sharedNonce,
  settings,
  configFile,
  close: () => nitro.hooks.callHook('close'),
})
