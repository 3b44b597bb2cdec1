import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { buildClient } from './build-client.ts'
import { listPublicFiles, type PublicFile } from './build-files.ts'
import { withBuildLock } from './build-lock.ts'

const WEB = import.meta.dirname
const ROOT = join(WEB, '..')
const OUTPUT = join(WEB, '.output')
/** Written last, it names the build's folder; without it there is no build. */
const STAMP = join(OUTPUT, 'porchlight-build.json')
/** The newest build, and older ones that running servers may still read from. */
const BUILDS_KEPT = 3

export interface BuiltSite {
  /** The module that exports `listener`. */
  entry: string
  /** The folder of the files that a browser may ask for. */
  root: string
  files: PublicFile[]
  /** The script for other front ends. */
  client: string
}

interface Stamp {
  sources: string
  folder: string
  seconds: number
  files: PublicFile[]
  client: string
}

/**
 * The site, rebuilt only if its sources have changed since the last build.
 * @param say receives progress, a line at a time
 * @throws Error with the end of the builder's output; servers that run an earlier build are not affected
 */
export async function ensureSiteBuilt(say: (line: string) => void): Promise<BuiltSite> {
  const sources = hashOfSources()
  const stamp = readStamp()
  if (stamp?.sources === sources) return built(stamp)
  return withBuildLock(LOCK, async () => {
    // Another process may have built it in the meantime.
    const meanwhile = readStamp()
    return built(meanwhile?.sources === sources ? meanwhile : await build(sources, meanwhile ?? stamp, say))
  })
}

/** The site, rebuilt even if nothing has changed. */
export async function rebuildSite(say: (line: string) => void): Promise<BuiltSite> {
  return withBuildLock(LOCK, async () => built(await build(hashOfSources(), readStamp(), say)))
}

/** Each build goes into a folder of its own: a running server loads its pages from the folder that it started with. */
async function build(sources: string, last: Stamp | null, say: (line: string) => void): Promise<Stamp> {
  const duration = last === null ? 'about a minute' : `about ${last.seconds} seconds, like the last time`
  say(
    last === null
      ? `Building the site. This happens once and takes ${duration}; later starts take less than a second.`
      : `The site's sources have changed; rebuilding. This takes ${duration}.`,
  )
  if (mkdirSync(OUTPUT, { recursive: true }) !== undefined) forAllToRead(OUTPUT)
  const folder = mkdtempSync(join(OUTPUT, 'build-'))
  forAllToRead(folder)
  const started = performance.now()
  try {
    await runNuxt(folder)
    const files = await listPublicFiles(join(folder, 'public'))
    const stamp = {
      sources,
      folder: basename(folder),
      seconds: Math.max(1, Math.round((performance.now() - started) / 1000)),
      files,
      client: await buildClient(),
    }
    // Renamed into place, so that a server that is starting reads either the old stamp or the new one.
    writeFileSync(`${STAMP}.tmp`, JSON.stringify(stamp))
    forAllToRead(`${STAMP}.tmp`)
    renameSync(`${STAMP}.tmp`, STAMP)
    removeOldBuilds()
    say(`The site is built (${stamp.seconds} seconds).`)
    return stamp
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** The pages are no secret, and may be built by another user (root, at installation) than the one who serves them. */
function forAllToRead(path: string): void {
  chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644)
}

function removeOldBuilds(): void {
  const age = (folder: string) => statSync(folder).mtimeMs
  const builds = globSync('build-*', { cwd: OUTPUT })
    .map(name => join(OUTPUT, name))
    .sort((a, b) => age(b) - age(a))
  for (const folder of builds.slice(BUILDS_KEPT)) rmSync(folder, { recursive: true, force: true })
}

function built({ folder, files, client }: Stamp): BuiltSite {
  return { entry: join(OUTPUT, folder, 'server', 'index.mjs'), root: join(OUTPUT, folder, 'public'), files, client }
}

function readStamp(): Stamp | null {
  try {
    const stamp = JSON.parse(readFileSync(STAMP, 'utf8')) as Partial<Stamp>
    // A stamp from before builds had their own folders names none.
    return stamp.folder === undefined ? null : (stamp as Stamp)
  } catch {
    return null
  }
}

const LOCK = join(ROOT, '.cache', 'site-build.lock')
const TESTS = /\.test\.ts$/

/** SHA-256 over everything that goes into a build: the site's files, what it shares with the server, and packages. */
function hashOfSources(): string {
  const files = [
    ...globSync('**/*', {
      cwd: WEB,
      withFileTypes: true,
      exclude: entry => entry.name === '.nuxt' || entry.name === '.output' || entry.name === 'node_modules',
    }),
    ...globSync('**/*', { cwd: join(ROOT, 'server', 'contract'), withFileTypes: true }),
  ]
    .filter(entry => entry.isFile() && !entry.name.startsWith('.') && !TESTS.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  for (const file of [...files, join(ROOT, 'package.json'), join(ROOT, 'package-lock.json')].sort()) {
    const content = readFileSync(file)
    hash.update(`${relative(ROOT, file).split(sep).join('/')}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/** Runs Nuxt's builder in a process of its own, with our own Node: the one on the PATH may be too old. */
async function runNuxt(output: string): Promise<void> {
  // Our settings are for the server and must not reach the pages.
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !name.startsWith('PORCHLIGHT_') &&
      !name.startsWith('NITRO_') &&
      !name.startsWith('NUXT_') &&
      !name.startsWith('VITEST'),
  )
  // The builder inherits it: its output is not data.
  const umask = process.umask(0o022)
  const child = spawn(process.execPath, [join(ROOT, 'node_modules', 'nuxt', 'bin', 'nuxt.mjs'), 'build', WEB], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      NODE_ENV: 'production',
      SITE_OUTPUT: output,
      NUXT_TELEMETRY_DISABLED: '1',
      NO_COLOR: '1',
    },
  })
  process.umask(umask)
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (log += String(chunk)))
  const stop = () => child.kill()
  process.once('exit', stop)
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve))
  process.off('exit', stop)
  // Intermediate files (nuxt.config.ts).
  rmSync(`${output}-work`, { recursive: true, force: true })
  if (code !== 0)
    throw new Error(
      `The site could not be built. The end of the build output:\n${log.trimEnd().split('\n').slice(-40).join('\n')}`,
    )
}
