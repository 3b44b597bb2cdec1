import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { DAY } from '../../base/clock.ts'
import { OperatorError } from '../../base/operator-error.ts'
import { MAX_NOTES, type NoteEvent, type WireNote } from '../../contract/demo/notes.ts'

/** Changes are numbered per account. The numbers are the feed's event ids and survive restarts. */
export interface Change {
  number: number
  event: NoteEvent
}

export type Outcome =
  | { state: 'changed'; note: WireNote; change: Change }
  | { state: 'unchanged'; note: WireNote }
  | { state: 'deleted' }
  | { state: 'missing' }
  | { state: 'full' }

/** How long a deleted note can be restored. */
const RESTORABLE_MS = DAY
const SCHEMA_VERSION = 1

const SCHEMA = `
  CREATE TABLE owners (
    sub TEXT NOT NULL PRIMARY KEY,
    change INTEGER NOT NULL,    -- number of the latest change
    forgotten INTEGER NOT NULL  -- number of the latest change that has left no trace
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE notes (
    owner TEXT NOT NULL REFERENCES owners (sub) ON DELETE CASCADE,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    deleted_at INTEGER,
    change INTEGER NOT NULL,
    PRIMARY KEY (owner, id)
  ) STRICT, WITHOUT ROWID;

  CREATE UNIQUE INDEX notes_by_change ON notes (owner, change);
`

interface Row {
  id: string
  text: string
  created_at: number
  changed_at: number
  deleted_at: number | null
  change: number
}

/**
 * All notes, in a SQLite file of their own. Every statement names the owner, so the notes of others do not exist rather
 * than being forbidden. One function, one transaction.
 * @throws OperatorError when the file was written by a newer version
 */
export function openBook(file: string) {
  makePrivate(file)
  const db = new Sqlite(file, { timeout: 2000 })
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('foreign_keys = ON')
  prepareSchema(db, file)
  // From here on, queries run in the server's thread and must not wait there for another program's lock.
  db.pragma('busy_timeout = 5')

  const changeOf = db.prepare<[string], { change: number; forgotten: number }>(
    'SELECT change, forgotten FROM owners WHERE sub = ?',
  )
  const nextChange = db
    .prepare<[string], number>(
      'INSERT INTO owners (sub, change, forgotten) VALUES (?, 1, 0) ON CONFLICT (sub) DO UPDATE SET change = change + 1 RETURNING change',
    )
    .pluck()
  const living = db.prepare<[string], Row>(
    'SELECT * FROM notes WHERE owner = ? AND deleted_at IS NULL ORDER BY created_at DESC, id',
  )
  const counted = db
    .prepare<[string], number>('SELECT count(*) FROM notes WHERE owner = ? AND deleted_at IS NULL')
    .pluck()
  const one = db.prepare<[string, string], Row>('SELECT * FROM notes WHERE owner = ? AND id = ?')
  const changedAfter = db.prepare<[string, number], Row>(
    'SELECT * FROM notes WHERE owner = ? AND change > ? ORDER BY change',
  )
  const insert = db.prepare<[string, string, string, number, number, number]>(
    'INSERT INTO notes (owner, id, text, created_at, changed_at, change) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const update = db.prepare<[string, number, number | null, number, string, string]>(
    'UPDATE notes SET text = ?, changed_at = ?, deleted_at = ?, change = ? WHERE owner = ? AND id = ?',
  )
  const remove = db
    .prepare<[string, number, string, number], number>(
      `DELETE FROM notes WHERE owner = ? AND (deleted_at < ? OR deleted_at IS NOT NULL AND change <=
    (SELECT change FROM notes WHERE owner = ? AND deleted_at IS NOT NULL ORDER BY change DESC LIMIT 1 OFFSET ?)) RETURNING change`,
    )
    .pluck()
  const forget = db.prepare<[number, string]>('UPDATE owners SET forgotten = max(forgotten, ?) WHERE sub = ?')

  const write = <T>(work: () => T): T => db.transaction(work).immediate()

  function save(owner: string, row: Row, to: { text: string; changedAt: number; deletedAt: number | null }): Outcome {
    const number = nextChange.get(owner) ?? 0
    update.run(to.text, to.changedAt, to.deletedAt, number, owner, row.id)
    return changed({ ...row, text: to.text, changed_at: to.changedAt, deleted_at: to.deletedAt, change: number })
  }

  return {
    list(owner: string): { notes: WireNote[]; change: number } {
      return db.transaction(() => ({
        notes: living.all(owner).map(noteFrom),
        change: changeOf.get(owner)?.change ?? 0,
      }))()
    },

    /**
     * Changes after a number, at most one per note; or `reload` when they are no longer known.
     */
    since(owner: string, change: number): Change[] {
      return db.transaction((): Change[] => {
        const { change: latest, forgotten } = changeOf.get(owner) ?? { change: 0, forgotten: 0 }
        if (change > latest || change < forgotten) return [{ number: latest, event: { type: 'reload' } }]
        return changedAfter.all(owner, change).map(changeFrom)
      })()
    },

    /** An id that exists already leaves the note as it is. */
    add(owner: string, id: string, text: string, now: number): Outcome {
      return write(() => {
        const known = one.get(owner, id)
        if (known !== undefined) return unchanged(known)
        if ((counted.get(owner) ?? 0) >= MAX_NOTES) return { state: 'full' }
        const number = nextChange.get(owner) ?? 0
        insert.run(owner, id, text, now, now, number)
        return changed({ id, text, created_at: now, changed_at: now, deleted_at: null, change: number })
      })
    },

    edit(owner: string, id: string, text: string, now: number): Outcome {
      return write(() => {
        const row = one.get(owner, id)
        if (row?.deleted_at !== null) return row === undefined ? { state: 'missing' } : { state: 'deleted' }
        return row.text === text ? unchanged(row) : save(owner, row, { text, changedAt: now, deletedAt: null })
      })
    },

    /** Also purges notes that were deleted long ago, or before too many others. */
    remove(owner: string, id: string, now: number): Outcome {
      return write(() => {
        const forgotten = remove.all(owner, now - RESTORABLE_MS, owner, MAX_NOTES)
        if (forgotten.length > 0) forget.run(Math.max(...forgotten), owner)
        const row = one.get(owner, id)
        if (row?.deleted_at !== null) return row === undefined ? { state: 'missing' } : { state: 'deleted' }
        return save(owner, row, { text: row.text, changedAt: row.changed_at, deletedAt: now })
      })
    },

    /** Restores the note as it was, unless the account is full. */
    restore(owner: string, id: string): Outcome {
      return write(() => {
        const row = one.get(owner, id)
        if (row === undefined) return { state: 'missing' }
        if (row.deleted_at === null) return unchanged(row)
        if ((counted.get(owner) ?? 0) >= MAX_NOTES) return { state: 'full' }
        return save(owner, row, { text: row.text, changedAt: row.changed_at, deletedAt: null })
      })
    },

    close(): void {
      db.close()
    },
  }
}

export type Book = ReturnType<typeof openBook>

function changed(row: Row): Outcome {
  return { state: 'changed', note: noteFrom(row), change: changeFrom(row) }
}

/** A deleted note is not revealed by asking for it another way. */
function unchanged(row: Row): Outcome {
  return row.deleted_at === null ? { state: 'unchanged', note: noteFrom(row) } : { state: 'deleted' }
}

function noteFrom({ id, text, created_at: createdAt, changed_at: changedAt }: Row): WireNote {
  return { id, text, createdAt, changedAt }
}

function changeFrom(row: Row): Change {
  const event: NoteEvent =
    row.deleted_at === null ? { type: 'saved', note: noteFrom(row) } : { type: 'deleted', id: row.id }
  return { number: row.change, event }
}

function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // SQLite gives its -wal and -shm files the mode of this one.
  closeSync(openSync(file, 'a', 0o600))
}

function prepareSchema(db: Sqlite.Database, file: string): void {
  const version = db.pragma('user_version', { simple: true })
  if (version === SCHEMA_VERSION) return
  if (version !== 0) {
    db.close()
    throw new OperatorError(`The sample's notes in ${file} were written by a newer version.`, [
      'Use that version, or move the file away to start with a new one.',
    ])
  }
  db.transaction(() => {
    db.exec(SCHEMA)
    db.pragma(`user_version = ${SCHEMA_VERSION}`)
  }).immediate()
}
