import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BuiltNuxtApp } from '../http/site/built-nuxt-app.ts'
import type { AppFrontEnd } from '../http/site/front-end.ts'
import { main } from '../main.ts'
import { tell } from './command.ts'

const CONFIG_FILES = ['porchlight.config.ts', 'porchlight.config.json']
/** By which a host tells a Nuxt application where to listen. */
const PORT_VARIABLES = ['NITRO_PORT', 'PORT']

/** What `.output/server/index.mjs` does: starts the server with the application as its front end, or ends the process. */
export async function startNuxtApp(app: BuiltNuxtApp): Promise<void> {
  try {
    await main({
      dev: false,
      settings: settingsOf(app),
      app: frontEndOf(app),
      // Of `porchlight start`, which loads this file, or of the build itself.
      takeOver: process.argv.includes('--take-over'),
      closed: app.close,
    })
  } catch (error) {
    // Whatever has started already would keep the process alive.
    tell(error)
    process.exit(1)
  }
}

/** A configuration file beside the running server is newer than the one in the build. */
function settingsOf({ configFile, settings }: BuiltNuxtApp): object {
  const isBeside = process.env['PORCHLIGHT_CONFIG'] !== undefined || CONFIG_FILES.some(name => existsSync(name))
  const port = PORT_VARIABLES.map(name => process.env[name]).find(value => value !== undefined && /^\d+$/.test(value))
  return {
    // The notes and the proof are for people who look at Porchlight itself; their paths are the application's here.
    demo: false,
    ...(port !== undefined && { port: Number(port) }),
    ...(isBeside ? {} : configFile),
    ...settings,
  }
}

function frontEndOf({ listener, upgrade, publicFolder, sharedNonce }: BuiltNuxtApp): AppFrontEnd {
  return {
    listener: async () => listener,
    upgrade,
    publicFolder: fileURLToPath(publicFolder),
    sharedNonce,
    development: null,
  }
}
