import type { Settings } from './settings.ts'

/** What a configuration file may set. `PORCHLIGHT_TEST_SIGN_IN` is only read from the environment. */
export type FileSettings = Omit<Settings, 'testSignIn'>

/** Types a configuration file. Returns its argument; a plain default export works as well. */
export function defineConfig(config: FileSettings): FileSettings {
  return config
}
