import type { Nuxt } from 'nuxt/schema'
import type { Settings } from '../server/config/settings.ts'

/** Everything about a project that would otherwise fail later, without saying why. */
export function checkProject(_nuxt: Nuxt, _settings: Settings): void {}
