import { command, tell } from './command.ts'

export const start = command({
  name: 'porchlight start',
  description: 'Start the server, building the site first if needed',
  args: {},
  run: () => startMain(false),
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

async function startMain(isDev: boolean): Promise<void> {
  const { main } = await import('../main.ts')
  try {
    await main({ dev: isDev })
  } catch (error) {
    // Whatever has started already would keep the process alive.
    tell(error)
    process.exit(1)
  }
}
