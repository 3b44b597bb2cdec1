import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { databaseFile } from '../../../server/store/sqlite/files.ts'
import { type LoggedBrowser, tokenParts } from './browser.ts'

export interface StoredSession {
  sid_hash: string
  generation: number
  ended_at: number | null
  end_reason: string | null
  public_id: string
}

/**
 * Looks at the database as it lies on the disk, write-ahead log included, without touching it: on a copy, as the next
 * start would find it. For a server that is down.
 */
export function onDisk<T>(dataDir: string, look: (db: Sqlite.Database) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'porchlight-check-'))
  try {
    const file = databaseFile(dataDir)
    const copy = join(folder, 'copy.db')
    for (const part of ['', '-wal']) if (existsSync(file + part)) copyFileSync(file + part, copy + part)
    return opened(copy, false, look)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Looks at the database of a running server, as any other reader. */
export function whileRunning<T>(dataDir: string, look: (db: Sqlite.Database) => T): T {
  return opened(databaseFile(dataDir), true, look)
}

function opened<T>(file: string, readonly: boolean, look: (db: Sqlite.Database) => T): T {
  const db = new Sqlite(file, { readonly, fileMustExist: true })
  try {
    return look(db)
  } finally {
    db.close()
  }
}

export function sessionsIn(db: Sqlite.Database): Map<string, StoredSession> {
  const rows = db
    .prepare<[], StoredSession>('SELECT sid_hash, generation, ended_at, end_reason, public_id FROM sessions')
    .all()
  return new Map(rows.map(row => [row.sid_hash, row]))
}

/** How many lines of the security log say that a session ended, by the session's public id. */
export function endingsIn(db: Sqlite.Database): Map<string, number> {
  const rows = db
    .prepare<[], { id: string; count: number }>(
      "SELECT session_id AS id, count(*) AS count FROM events WHERE kind = 'session_ended' GROUP BY session_id",
    )
    .all()
  return new Map(rows.map(({ id, count }) => [id, count]))
}

/** Everything in which the database and what browsers were told differ; nothing when all is well.
 * `alive`: whose session nobody ended. What a browser was given was promised, so it has to be stored. */
export function complaints(
  db: Sqlite.Database,
  browsers: readonly LoggedBrowser[],
  { alive }: { alive: boolean },
): string[] {
  const found: string[] = []
  const integrity = db.pragma('integrity_check', { simple: true })
  if (integrity !== 'ok') found.push(`integrity_check: ${String(integrity)}`)
  if ((db.pragma('foreign_key_check') as unknown[]).length > 0)
    found.push('foreign_key_check found rows that refer to nothing')

  const sessions = sessionsIn(db)
  const endings = endingsIn(db)
  const owners = new Map<string, LoggedBrowser>()
  for (const browser of browsers) {
    const texts = new Map<string, string>()
    for (const token of browser.acknowledged()) {
      const { sidHash, generation } = tokenParts(token)
      const row = sessions.get(sidHash)
      const name = `session ${row?.public_id ?? sidHash}`
      if (row === undefined) found.push(`${name} was given to a browser and is not stored`)
      else if (row.generation < generation)
        found.push(`${name}: generation ${generation} was given to a browser, ${row.generation} is stored`)
      if ((owners.get(sidHash) ?? browser) !== browser) found.push(`${name} was given to two browsers`)
      owners.set(sidHash, browser)
      const known = texts.get(`${sidHash} ${generation}`) ?? token
      if (known !== token) found.push(`${name}: generation ${generation} was given as two different tokens`)
      texts.set(`${sidHash} ${generation}`, token)
    }
    const held = browser.jar.value('refresh')
    const row = held === null ? undefined : sessions.get(tokenParts(held).sidHash)
    if (alive && row !== undefined && row.ended_at !== null)
      found.push(`session ${row.public_id} is over (${String(row.end_reason)}), and nobody ended it`)
  }
  for (const row of sessions.values()) {
    if (row.ended_at !== null && endings.get(row.public_id) !== 1)
      found.push(`session ${row.public_id} is over and has ${endings.get(row.public_id) ?? 0} lines in the log`)
  }
  return found
}

/** What honest browsers were told that they should not have been: somebody else's name, an end, or nobody at all. */
export function wronged(browsers: readonly LoggedBrowser[]): string[] {
  return browsers.flatMap(({ person, calls }) =>
    calls.flatMap(({ path, shown, answer }) => {
      if (answer === null || shown === null) return []
      if (answer.ended !== null)
        return [`${person.email} was told on ${path} that the session was over: ${answer.ended}`]
      if (answer.who === null) return [`${person.email} was taken for nobody on ${path}`]
      if (answer.who !== undefined && answer.who !== person.email)
        return [`${person.email} was taken for ${answer.who} on ${path}`]
      return []
    }),
  )
}
