import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, inject, test } from 'vitest'
import { findChromium, unpackChromium } from '../support/chromium.ts'
import { installIntoEmptyFolder, type InstalledFolder } from '../support/package.ts'
import { freePort, ROOT } from '../support/server.ts'

// docs/guides/testing-your-app.md, each of its files as it stands there, but for the ports.

const WITH_OUR_CHROMIUM = `import guide from './playwright.config.ts'
export default {
  ...guide,
  use: { ...guide.use, launchOptions: { executablePath: process.env['CHROMIUM']!, args: ['--no-sandbox'] } },
}
`
const NAMES = ['playwright.config.ts', 'account.spec.ts', 'orders.test.ts', 'puppeteer.ts']
const versionOf = (name: string) =>
  (JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version

let app: InstalledFolder

beforeAll(async () => {
  await unpackChromium()
  const [site, api] = [await freePort(), await freePort()]
  app = await installIntoEmptyFolder(
    inject('tarball'),
    'node@24',
    '@playwright/test@1',
    'puppeteer-core@25',
    `vitest@${versionOf('vitest')}`,
    `typescript@${versionOf('typescript')}`,
    '@types/node@24',
  )
  Object.assign(app.environment, { CHROMIUM: findChromium(), PORCHLIGHT_PORT: String(site) })
  const guide = readFileSync(join(ROOT, 'docs/guides/testing-your-app.md'), 'utf8')
  const files = [...guide.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', code = '']) => {
    writeFileSync(join(app.folder, name), code.replaceAll(':3000', `:${site}`).replaceAll('8000', String(api)))
    return name
  })
  expect(files).toEqual(NAMES)
  writeFileSync(join(app.folder, 'ours.config.ts'), WITH_OUR_CHROMIUM)
})

test('its types fit Playwright, Puppeteer and Vitest in a strict project', async () => {
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'dom', 'dom.iterable'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: ['node'],
    skipLibCheck: true,
  }
  writeFileSync(join(app.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  await app.run('npx', 'tsc', '-p', '.')
})

test('Playwright starts the packed server and signs people in', async () => {
  const { stdout } = await app.run('npx', 'playwright', 'test', '--config', 'ours.config.ts', '--reporter', 'line')
  expect(stdout).toContain('4 passed')
})

test('Vitest runs the server in its own process', async () => {
  const { stdout } = await app.run('npx', 'vitest', 'run', '--no-color', 'orders.test.ts')
  expect(stdout).toMatch(/Tests +2 passed/)
})

test('Puppeteer sees the page of whom it signed in', async () => {
  const { stdout } = await app.run('node', 'puppeteer.ts')
  expect(stdout).toContain('ada@example.org')
})
