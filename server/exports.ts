import type { Porchlight, PorchlightOptions } from './bootstrap/create-porchlight.ts'
import type { Settings } from './config/settings.ts'

export { OperatorError } from './base/operator-error.ts'
export type { Porchlight, PorchlightOptions }

/** What a configuration file may set. `PORCHLIGHT_TEST_SIGN_IN` is only read from the environment. */
export type FileSettings = Omit<Settings, 'testSignIn'>

/** Types a configuration file. Returns its argument; a plain default export works as well. */
export function defineConfig(config: FileSettings): FileSettings {
  return config
}

/**
 * Starts Porchlight inside a process of your own; no port is open yet. Neither signals nor uncaught errors are handled.
 * @param settings those of this process: they win over a configuration file, and environment variables over both
 * @throws OperatorError that says what is wrong: a setting, a data folder in use, keys that do not fit
 */
export async function createPorchlight(settings?: FileSettings, options?: PorchlightOptions): Promise<Porchlight> {
  // Configuration files import this module, too, and commands that read them need no server.
  return (await import('./bootstrap/create-porchlight.ts')).createPorchlight(settings, options)
}
