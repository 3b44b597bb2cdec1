import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { OperatorError } from '../base/operator-error.ts'
import { command, tell } from './command.ts'

export const start = command({
  name: 'porchlight start',
  description: 'Start the server, building the site first if needed',
  args: {
    'take-over': {
      type: 'boolean',
      description: 'Ask a server that runs on the same data folder to end, and take its place',
    },
  },
  run: async args => ((await startNuxtBuild()) ? undefined : startMain(false, args['take-over'])),
})

export const dev = command({
  name: 'porchlight dev',
  description: 'Start the server for development: the site changes as you edit it',
  args: {},
  run: () => startMain(true),
})

export const build = command({
  name: 'porchlight build',
  description: 'Build the site, without starting the server',
  args: {},
  async run() {
    const { ensureSiteBuilt } = await import('../../site-build/build-site.ts')
    await ensureSiteBuilt(line => process.stdout.write(`${line}\n`))
  },
})

const NUXT_CONFIG = ['ts', 'mts', 'js', 'mjs'].map(ending => `nuxt.config.${ending}`)
const NUXT_ENTRY = join('.output', 'server', 'index.mjs')
const NUXT_PARTS = join('.output', 'server', 'node_modules', 'porchlight')

/**
 * In the folder of a Nuxt application with our module, its build is the server.
 * @returns false elsewhere
 */
async function startNuxtBuild(): Promise<boolean> {
  const isNuxt = NUXT_CONFIG.some(name => existsSync(name) && readFileSync(name, 'utf8').includes('porchlight/nuxt'))
  if (!isNuxt && !existsSync(NUXT_PARTS)) return false
  if (!existsSync(NUXT_ENTRY) || !existsSync(NUXT_PARTS))
    throw new OperatorError('This Nuxt application has not been built with Porchlight yet.', [
      'Run `npx nuxt build` first. For development, use `npx nuxt dev`.',
    ])
  await import(pathToFileURL(NUXT_ENTRY).href)
  return true
}

async function startMain(isDev: boolean, takeOver = false): Promise<void> {
  const { main } = await import('../main.ts')
  try {
    await main({ dev: isDev, takeOver })
  } catch (error) {
    // Whatever has started already would keep the process alive.
    tell(error)
    process.exit(1)
  }
}
