import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { withBuildLock } from './build-lock.ts'
import { buildClient } from './client-script.ts'
import { listPublicFiles, type PublicFile } from './public-files.ts'
import { runNuxt } from './run-nuxt.ts'
import { hashOfSources } from './source-hash.ts'

const ROOT = join(import.meta.dirname, '..')
const OUTPUT = join(ROOT, 'web', '.output')
const LOCK = join(ROOT, '.cache', 'site-build.lock')
/** In the npm package the site is built already, and there is nothing to build it from. */
export const HAS_SOURCES = existsSync(join(ROOT, 'web', 'nuxt.config.ts'))
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
  const stamp = readStamp()
  if (!HAS_SOURCES) {
    if (stamp === null) throw new Error('The package is incomplete: its site is missing. Install it again.')
    return built(stamp)
  }
  const sources = hashOfSources()
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
