import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type Sqlite from 'better-sqlite3'
import * as v from 'valibot'
import type { UnixMs } from '../../base/clock.ts'
import { OperatorError } from '../../base/operator-error.ts'

/** 'Porl' in ASCII: `file data/porchlight.db` and a wrong file in our place are told apart by it. */
const APPLICATION_ID = 0x506f726c

/** One step of the schema, as drizzle-kit generated it. */
export interface Migration {
  tag: string
  hash: string
  statements: string[]
}

const Journal = v.object({ entries: v.array(v.object({ idx: v.number(), tag: v.string() })) })
const BREAKPOINT = '--> statement-breakpoint'

/**
 * The steps that this version of the code knows, oldest first.
 * @param folder drizzle's output folder, as a file URL that ends in a slash
 */
export function readMigrations(folder: URL): Migration[] {
  const journal = v.parse(Journal, JSON.parse(readFileSync(new URL('meta/_journal.json', folder), 'utf8')))
  return journal.entries
    .sort((a, b) => a.idx - b.idx)
    .map(({ tag }) => {
      // A checkout on Windows may have changed the line ends; the step is still the same.
      const sql = readFileSync(new URL(`${tag}.sql`, folder), 'utf8').replaceAll('\r\n', '\n')
      return { tag, hash: createHash('sha256').update(sql).digest('hex'), statements: sql.split(BREAKPOINT) }
    })
}

/** Where a database stands against what the code knows. */
export type Standing =
  | { state: 'empty' }
  | { state: 'foreign' }
  | { state: 'current' }
  | { state: 'behind'; missing: Migration[] }
  /** `unknown` was applied by a newer version. */
  | { state: 'newer'; unknown: string }
  /** `tag` ran with another content than it has now. */
  | { state: 'altered'; tag: string }

export function standingOf(raw: Sqlite.Database, known: readonly Migration[]): Standing {
  const id = raw.pragma('application_id', { simple: true })
  if (id !== APPLICATION_ID) {
    const tables = raw.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
    return id === 0 && tables === 0 ? { state: 'empty' } : { state: 'foreign' }
  }
  const applied = raw
    .prepare<[], { tag: string; hash: string }>('SELECT tag, hash FROM migrations ORDER BY position')
    .all()
  for (const { tag, hash } of applied) {
    const migration = known.find(one => one.tag === tag)
    if (migration === undefined) return { state: 'newer', unknown: tag }
    if (migration.hash !== hash) return { state: 'altered', tag }
  }
  const missing = known.slice(applied.length)
  return missing.length === 0 ? { state: 'current' } : { state: 'behind', missing }
}

/**
 * Applies steps in one transaction: a crash in the middle leaves the database as it was.
 * @throws OperatorError when a step leaves references to rows that do not exist; the driver's error when one fails
 */
export function applyMigrations(raw: Sqlite.Database, steps: readonly Migration[], now: UnixMs): void {
  // SQLite rebuilds a table by copying it, which would fire ON DELETE CASCADE; the switch works outside transactions
  // only.
  raw.pragma('foreign_keys = OFF')
  try {
    raw
      .transaction(() => {
        raw.pragma(`application_id = ${APPLICATION_ID}`)
        raw.exec(
          'CREATE TABLE IF NOT EXISTS migrations (position INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, hash TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
        )
        const note = raw.prepare('INSERT INTO migrations (tag, hash, applied_at) VALUES (?, ?, ?)')
        for (const step of steps) {
          for (const statement of step.statements) raw.exec(statement)
          note.run(step.tag, step.hash, now)
        }
        const broken = raw.pragma('foreign_key_check')
        if (Array.isArray(broken) && broken.length > 0)
          throw new OperatorError(
            'The database could not be migrated: rows refer to others that do not exist. Nothing was changed.',
          )
      })
      .immediate()
  } finally {
    raw.pragma('foreign_keys = ON')
  }
}
