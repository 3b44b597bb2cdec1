import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { backupFolder, databaseFile, databaseParts } from '../store/sqlite/files.ts'
import { realPath } from '../base/private-files.ts'

/** What others must not be able to do with a file or folder of ours.
 * `private`: neither read nor write · `ours`: not write, since volumes come as 0755 · `given`: as `ours`, but that
 * others can
 * read it is worth a warning: a mounted secret often comes as 0444, and we could not change that */
export type Rule = 'private' | 'ours' | 'given'

/** Something that others can do, and the command that mends it. */
export interface Exposure {
  path: string
  what: string
  mend: string
  fatal: boolean
}

interface Stand {
  mode: number
  uid: number
  isFolder: boolean
}

const GROUP_OR_OTHERS_WRITE = 0o022
const GROUP_OR_OTHERS_READ = 0o044
const OTHERS_WRITE = 0o002
const OTHERS_READ = 0o004
const STICKY = 0o1000

/**
 * As ssh judges its keys. Whoever owns a file can give themselves any right to it, so that its owner has to be we or
 * root.
 * @param uid who runs this
 */
function judgeStats(path: string, { mode, uid: owner, isFolder }: Stand, rule: Rule, uid: number): Exposure | null {
  const safe = isFolder ? '700' : '600'
  if (owner !== uid && owner !== 0) {
    const chown = `chown ${isFolder ? '-R ' : ''}${uid} ${quoted(path)}`
    // Root is most likely somebody who forgot whose service this is.
    const mend =
      uid === 0 ? `sudo -u '#${owner}' porchlight …   (as the owner of the data; to give it to root: ${chown})` : chown
    return {
      path,
      what: `${path} belongs to another user (id ${owner}), who has full control of it`,
      mend,
      fatal: true,
    }
  }
  const who = (bit: number) => ((mode & bit) === 0 ? 'Its group' : 'Other users')
  if ((mode & GROUP_OR_OTHERS_WRITE) !== 0) {
    return {
      path,
      what: `${who(OTHERS_WRITE)} can write to ${path} (mode ${octal(mode)})`,
      mend: `chmod ${rule === 'ours' ? 'go-w' : safe} ${quoted(path)}`,
      fatal: true,
    }
  }
  if (rule === 'ours' || (mode & GROUP_OR_OTHERS_READ) === 0) return null
  return {
    path,
    what: `${who(OTHERS_READ)} can read ${path} (mode ${octal(mode)})`,
    mend: `chmod ${safe} ${quoted(path)}`,
    fatal: rule === 'private',
  }
}

/**
 * Whose the files should be.
 * @returns undefined: nobody can tell here (Windows)
 */
export function ourId(): number | undefined {
  return process.getuid?.()
}

/** The same for who only looks: root may look at anybody's installation. */
export function ownerOf(dataDir: string): number | undefined {
  const uid = ourId()
  return uid === 0 ? (statsOf(dataDir, statSync)?.uid ?? 0) : uid
}

/**
 * Looks at a file or folder, through symbolic links.
 * @returns null: it is as it should be, not there, or nobody can tell here
 */
function exposureOf(path: string, rule: Rule, uid: number | undefined): Exposure | null {
  const stats = statsOf(path, statSync)
  if (uid === undefined || stats === null) return null
  return (
    judgeStats(path, { mode: stats.mode, uid: stats.uid, isFolder: stats.isDirectory() }, rule, uid) ??
    strangeLink(path, uid)
  )
}

/** A link may point elsewhere tomorrow: whoever owns it says what is read. */
function strangeLink(path: string, uid: number): Exposure | null {
  const link = statsOf(path, lstatSync)
  if (link?.isSymbolicLink() !== true || link.uid === uid || link.uid === 0) return null
  return {
    path,
    what: `The link ${path} belongs to another user (id ${link.uid}), who can redirect it`,
    mend: `chown -h ${uid} ${quoted(path)}`,
    fatal: true,
  }
}

/** Everything in a data folder that others should not be able to reach, worst first. */
export function exposuresIn(dataDir: string, uid: number | undefined): Exposure[] {
  const backups = backupFolder(dataDir)
  const aside = namesIn(dataDir)
    .filter(name => name.includes('.db.'))
    .map(name => join(dataDir, name))
  const files = new Set([
    ...databaseParts(databaseFile(dataDir)),
    join(dataDir, 'lock.db'),
    ...aside,
    ...namesIn(backups).map(name => join(backups, name)),
  ])
  return [
    exposureOf(dataDir, 'ours', uid),
    exposureOf(backups, 'ours', uid),
    ...[...files].map(file => exposureOf(file, 'private', uid)),
  ].filter(one => one !== null)
}

/**
 * A key file beside the database is made by us, for its owner only; elsewhere it may be a secret that somebody mounts.
 * Where it is a link, the folder of the file behind it counts as well.
 */
export function keyFileExposures(file: string, dataDir: string, uid: number | undefined): Exposure[] {
  const isMade = dirname(file) === dataDir && statsOf(file, lstatSync)?.isSymbolicLink() !== true
  const folders = new Set([file, realPath(file)].map(dirname))
  folders.delete(dataDir)
  return [
    exposureOf(file, isMade ? 'private' : 'given', uid),
    ...[...folders].map(folder => replaceableIn(folder, uid)),
  ].filter(one => one !== null)
}

/**
 * Whoever owns a folder, or can write to it, can put another file in a file's place. A sticky one, as /tmp and mounts
 * of secrets are, leaves that to its owner.
 */
function replaceableIn(folder: string, uid: number | undefined): Exposure | null {
  const stats = statsOf(folder, statSync)
  if (uid === undefined || stats === null) return null
  const mode = (stats.mode & STICKY) === 0 ? stats.mode : stats.mode & ~GROUP_OR_OTHERS_WRITE
  // Judged as one file: what else is in it is not ours to change the owner of.
  const found = judgeStats(folder, { mode, uid: stats.uid, isFolder: false }, 'ours', uid)
  return found === null ? null : { ...found, what: `${found.what}, and replace this key file` }
}

/**
 * Passwords go over the control socket. In a folder that others can write to, it may be anybody's. Root may ask the
 * server of any user, so that it is the folder's owner who counts.
 */
export function plantedSocket(dataDir: string, socket: string): Exposure | null {
  const folder = statsOf(dataDir, statSync)
  const found = statsOf(socket, lstatSync)
  const uid = ownerOf(dataDir)
  if (folder === null || found === null || uid === undefined) return null
  return (
    judgeStats(dataDir, { mode: folder.mode, uid: folder.uid, isFolder: true }, 'ours', uid) ??
    judgeStats(socket, { mode: 0o600, uid: found.uid, isFolder: false }, 'private', uid)
  )
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function statsOf(path: string, look: (path: string) => Stats): Stats | null {
  try {
    return look(path)
  } catch {
    return null
  }
}

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0')

/** A path as a shell takes it. */
export function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
