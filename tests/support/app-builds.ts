import { execFile, type ExecFileException } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './server.ts'

const CACHE = join(ROOT, '.cache', 'apps')

export interface AppBuild {
  /** The folder below tests/apps/. */
  name: string
  /** Which of several builds of it. */
  variant: string
  /** Whether `npm ci` is needed first. */
  install: boolean
  /** Runs in the folder; a program and its arguments. */
  command: readonly [string, ...string[]]
  env?: Record<string, string>
}

/**
 * Builds an application as its framework's users do, once for each version of its sources and lock.
 * @returns the folder that it was built in
 */
export async function appBuild(build: AppBuild): Promise<string> {
  const source = join(ROOT, 'tests/apps', build.name)
  const finished = join(CACHE, `${build.name}-${build.variant}-${hashOf(source, build)}`)
  if (existsSync(finished)) return finished
  mkdirSync(CACHE, { recursive: true })
  // Built beside its place, so that a broken-off build is never taken for a whole one.
  const building = mkdtempSync(join(CACHE, `${build.name}-new-`))
  try {
    cpSync(source, building, {
      recursive: true,
      filter: path => !/node_modules|\.svelte-kit|\.nuxt|\.output/.test(path.slice(source.length)),
    })
    if (build.install) await run(building, 'npm', ['ci', '--silent', '--no-audit', '--no-fund'])
    const [program, ...args] = build.command
    await run(building, program, args, build.env)
    renameSync(building, finished)
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
  return finished
}

function hashOf(source: string, build: AppBuild): string {
  const hash = createHash('sha256').update(JSON.stringify(build))
  for (const name of globSync('**/*', { cwd: source }).sort()) {
    const path = join(source, name)
    if (!name.includes('node_modules') && statSync(path).isFile()) hash.update(name).update(readFileSync(path))
  }
  return hash.digest('hex').slice(0, 16)
}

function run(cwd: string, program: string, args: string[], env: Record<string, string> = {}): Promise<void> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^VITEST|^NODE_ENV$|^NODE_OPTIONS$/.test(name))
  return new Promise((resolve, reject) =>
    execFile(
      program,
      args,
      { cwd, env: { ...Object.fromEntries(inherited), ...env }, maxBuffer: 64 * 1024 * 1024 },
      (error: ExecFileException | null, stdout, stderr) =>
        error === null ? resolve() : reject(new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`)),
    ),
  )
}
