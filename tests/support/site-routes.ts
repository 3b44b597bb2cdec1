import { globSync } from 'node:fs'
import { ROOT } from './server.ts'

/**
 * Every address of the site, from its files: `pages/account/index.vue` is `/account`, `pages/x/[id].vue` is `/x/:id`.
 */
export function siteRoutes(): string[] {
  return globSync('web/{app,layers/*/app}/pages/**/*.vue', { cwd: ROOT })
    .map(
      file =>
        `/${file
          .replace(/^.*\/app\/pages\//, '')
          .replace(/\.vue$/, '')
          .replace(/(^|\/)index$/, '')
          .replaceAll(/\[(?:\.\.\.)?(\w+)\]/g, ':$1')}`,
    )
    .sort()
}
