import type { Settings } from './settings.ts'

/** Gives a configuration file its types. Returns what it gets: a plain default export works as well. */
export function defineConfig(config: Settings): Settings {
  return config
}
