import { constants } from 'node:fs'
import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { type Clock, SECOND, type SteadyMs } from '../../base/clock.ts'
import { OperatorError } from '../../base/operator-error.ts'
import type { Coding } from '../response/negotiation.ts'

const SUFFIX = { br: '.br', gzip: '.gz' } as const

/** A built file that browsers may request. */
export interface FrontFile {
  /** As requested, decoded: `/assets/index-Bq3x0v9K.js`. */
  path: string
  /** The codings of its precompressed copies. */
  codings: Coding[]
}

export interface FrontFolder {
  /**
   * @param path decoded
   * @returns null: there is no such file
   */
  find(path: string): Promise<FrontFile | null>
  /** @returns null: it no longer exists */
  open(file: FrontFile, coding: Coding | null): Promise<FileHandle | null>
}

interface Index {
  root: string
  stamp: string
  files: ReadonlyMap<string, FrontFile>
}

/** How often an unknown path may trigger a check for a new build. */
const CHECK_MS = SECOND

/**
 * A folder of built files, listed once and again after a new build: request paths are only looked up in that list, so
 * none can leave the folder. Symbolic links, dotfiles and source maps are not listed.
 * @param index null: it need not have one, and is not rebuilt while it is served
 * @throws OperatorError if it has no index.html
 */
export async function openFrontFolder({
  root,
  sourceMaps,
  clock,
  index: entry = 'index.html',
}: {
  root: string
  sourceMaps: boolean
  clock: Clock
  index?: string | null
}): Promise<FrontFolder> {
  const firstStamp = await stampOf(root, entry)
  if (firstStamp === null)
    throw new OperatorError(`The folder of the setting "site" has no index.html: ${root}`, [
      'Build the front end first, or correct the path.',
    ])
  let index: Index = await list(root, sourceMaps, firstStamp)
  let checkedAt: SteadyMs = clock.now().steady
  let checking: Promise<void> | null = null

  async function check(): Promise<void> {
    const stamp = await stampOf(root, entry)
    // During a build there is no index: the last list remains in use.
    if (stamp !== null && stamp !== index.stamp) index = await list(root, sourceMaps, stamp)
  }
  async function checkAgain(): Promise<void> {
    const now = clock.now().steady
    if (checking === null && now - checkedAt < CHECK_MS) return
    checkedAt = now
    checking ??= check().finally(() => {
      checking = null
    })
    await checking
  }

  return {
    async find(path) {
      const known = index.files.get(path)
      if (known !== undefined) return known
      await checkAgain()
      return index.files.get(path) ?? null
    },
    async open(file, coding) {
      try {
        return await open(
          join(index.root, file.path) + (coding === null ? '' : SUFFIX[coding]),
          constants.O_RDONLY | constants.O_NOFOLLOW,
        )
      } catch {
        await checkAgain()
        return null
      }
    },
  }
}

/** Changes with every build: each writes a new index, and a deployment may repoint a link to another folder. */
async function stampOf(root: string, entry: string | null): Promise<string | null> {
  try {
    const real = await realpath(root)
    const { ino, size, mtimeMs } = await stat(join(real, entry ?? ''))
    return `${real} ${ino} ${size} ${mtimeMs}`
  } catch {
    return null
  }
}

async function list(root: string, sourceMaps: boolean, stamp: string): Promise<Index> {
  const real = await realpath(root)
  const entries = await readdir(real, { recursive: true, withFileTypes: true })
  const paths = new Set(
    entries
      .filter(entry => entry.isFile())
      .map(entry => `/${relative(real, join(entry.parentPath, entry.name)).split(sep).join('/')}`),
  )
  const files = new Map<string, FrontFile>()
  for (const path of paths) {
    if (path.includes('/.') || (!sourceMaps && /\.map(?:\.br|\.gz)?$/.test(path))) continue
    // A precompressed copy is not a file of its own.
    if (/\.(?:br|gz)$/.test(path) && paths.has(path.replace(/\.\w+$/, ''))) continue
    files.set(path, { path, codings: (['br', 'gzip'] as const).filter(coding => paths.has(path + SUFFIX[coding])) })
  }
  return { root: real, stamp, files }
}
