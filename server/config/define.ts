import type { Settings } from './settings.ts'

/** Types a configuration file. Returns its argument; a plain default export works as well. */
export function defineConfig(config: Settings): Settings {
  return config
}
