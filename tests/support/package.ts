import { execFile } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT, temporaryFolder } from './server.ts'

const run = promisify(execFile)

/**
 * Builds the npm package and packs it as a registry would get it.
 * @returns the path of the tarball
 */
export async function packPackage(): Promise<string> {
  await run('npm', ['run', '--silent', 'build:package'], { cwd: ROOT })
  const folder = temporaryFolder()
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: join(ROOT, 'dist') })
  return join(folder, readdirSync(folder)[0] ?? '')
}

export interface InstalledFolder {
  folder: string
  /** Like a stranger's shell: neither our settings nor the Node that npm put first on the path. */
  environment: NodeJS.ProcessEnv
  /** Runs a program in the folder, such as `npx`. */
  run(program: string, ...args: string[]): Promise<{ stdout: string; stderr: string }>
}

/**
 * Installs packages into an empty folder with nothing of ours around.
 * @param packages what npm is to install: names, versions, tarballs
 */
export async function installIntoEmptyFolder(...packages: string[]): Promise<InstalledFolder> {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const environment = { ...strangersEnvironment(), PATH: `${join(folder, 'node_modules/.bin')}:${process.env['PATH']}` }
  const installed: InstalledFolder = {
    folder,
    environment,
    run: (program, ...args) => run(program, args, { cwd: folder, env: environment }),
  }
  await installed.run('npm', 'install', '--silent', '--no-audit', '--no-fund', ...packages)
  return installed
}

/** Our environment without what a test runner, npm and Porchlight's settings add to it. */
function strangersEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(?:PORCHLIGHT_|VITEST|NODE_ENV|NODE_OPTIONS|npm_(?!config_)|npm_config_local_prefix)/.test(name),
    ),
  )
}
