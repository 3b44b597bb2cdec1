import { globSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './server.ts'

/**
 * Every address of the site, from its files: `pages/account/index.vue` is `/account`, `pages/x/[id].vue` is `/x/:id`.
 */
export function siteRoutes(): string[] {
  return globSync('**/*.vue', { cwd: join(ROOT, 'web/app/pages') })
    .map(
      file =>
        `/${file
          .replace(/\.vue$/, '')
          .replace(/(^|\/)index$/, '')
          .replaceAll(/\[(?:\.\.\.)?(\w+)\]/g, ':$1')}`,
    )
    .sort()
}
