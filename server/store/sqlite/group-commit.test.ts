import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Clock } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import { type Database, isConstraint, openDatabase } from './database.ts'
import { createGroupCommit } from './group-commit.ts'

/** However slow the machine, a test's writes in one turn are one commit, unless it advances the time. */
let at: number
const clock: Clock = { now: () => ({ wall: at, steady: at }) }
let folder: string
let db: Database
/** Only sees what is committed. */
let other: Sqlite.Database

beforeEach(() => {
  at = 0
  folder = mkdtempSync(join(tmpdir(), 'porchlight-commit-'))
  db = openDatabase(join(folder, 'test.db'), clock)
  db.raw.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT')
  other = new Sqlite(join(folder, 'test.db'))
})
afterEach(() => {
  db.close()
  other.close()
  rmSync(folder, { recursive: true, force: true })
})

const insert = (id: number, text = 'note') => db.raw.prepare('INSERT INTO notes VALUES (?, ?)').run(id, text)
const committed = () => other.prepare('SELECT id FROM notes ORDER BY id').pluck().all()
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'written',
    (error: unknown) => (error instanceof Problem ? error.code : isConstraint(error) ? 'constraint' : String(error)),
  )
const ten = Array.from({ length: 10 }, (_, i) => i)

describe('patient writes', () => {
  const patiently = (id: number) => db.writePatiently(() => insert(id))
  /** As many in a row as are committed at once. */
  const rush = async () => {
    for (const id of [1, 2, 3, 4]) await patiently(id)
  }

  test('are committed at once while there are few, and share a commit in a rush', async () => {
    // A busy machine may need longer for these turns than the writes would wait.
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      await rush()
      const late = Promise.all([patiently(5), patiently(6)])
      for (let turn = 0; turn < 20; turn++) await nextTurn()
      expect(committed()).toEqual([1, 2, 3, 4])
      vi.runAllTimers()
      await late
      expect(committed()).toEqual([1, 2, 3, 4, 5, 6])
    } finally {
      vi.useRealTimers()
    }
  })

  test('go along with a write that is not, in the order of their calls', async () => {
    await rush()
    const order: number[] = []
    const late = patiently(5).then(() => order.push(5))
    await db.write(() => insert(6)).then(() => order.push(6))
    expect(order).toEqual([5, 6])
    await late
  })

  test('are written before the database is closed', async () => {
    await rush()
    const late = patiently(5)
    db.close()
    await late
    expect(committed()).toEqual([1, 2, 3, 4, 5])
  })
})

describe('writes of one turn of the event loop', () => {
  test('are one transaction, reported in call order once on disk, and each sees the earlier ones', async () => {
    const told: number[] = []
    const seen: unknown[] = []
    const all = ten.map(id =>
      db
        .write(() => {
          insert(id)
          return Number(db.raw.prepare('SELECT count(*) FROM notes').pluck().get())
        })
        .then(count => {
          told.push(count)
          seen.push(committed().length)
        }),
    )
    expect(committed(), 'nothing is written before it is its turn').toEqual([])
    expect(
      await db.read(() => db.raw.prepare('SELECT count(*) FROM notes').pluck().get()),
      'nobody reads what is not on disk',
    ).toBe(0)
    await Promise.all(all)
    expect(told).toEqual(ten.map(id => id + 1))
    expect(seen, 'whoever is told first finds everything on disk').toEqual(ten.map(() => 10))
  })

  test('a write that is refused, meets a constraint or breaks undoes what it did and nothing else', async () => {
    const codes = await Promise.all(
      ten.map(id =>
        codeOf(
          db.write(() => {
            insert(id)
            if (id === 3) throw new Problem('email_taken')
            if (id === 5) insert(4)
            if (id === 7) throw new Error('a mistake of ours')
          }),
        ),
      ),
    )
    expect(codes).toEqual([
      'written',
      'written',
      'written',
      'email_taken',
      'written',
      'constraint',
      'written',
      'Error: a mistake of ours',
      'written',
      'written',
    ])
    expect(committed()).toEqual([0, 1, 2, 4, 6, 8, 9])
  })

  test('that check and use one thing: one of ten concurrent ones gets it', async () => {
    const won = await Promise.all(
      ten.map(() =>
        db.write(
          () => db.raw.prepare("INSERT INTO notes VALUES (1, 'used') ON CONFLICT DO NOTHING").run().changes === 1,
        ),
      ),
    )
    expect(won).toEqual([true, ...ten.slice(1).map(() => false)])
  })

  test('a single one is written within the turn', async () => {
    const alone = db.write(() => insert(1))
    await new Promise(done => setImmediate(done))
    expect(committed()).toEqual([1])
    await alone
  })

  test('are all on disk if the database is closed before their turn', async () => {
    const all = ten.map(id => db.write(() => insert(id)))
    db.close()
    expect(committed()).toEqual(ten)
    await Promise.all(all)
    expect(await codeOf(db.write(() => insert(99)))).toBe('store_unavailable')
  })
})

describe('a failing store', () => {
  test('a database locked for seconds fails everything that waited so long, once, and nothing after', async () => {
    let failures = 0
    db.onFailure(() => failures++)
    db.serve()
    other.exec('BEGIN IMMEDIATE')
    const waited = Promise.all(ten.map(id => codeOf(db.write(() => insert(id)))))
    await setTimeout(100)
    at = 2000
    const later = codeOf(db.write(() => insert(20)))
    await setTimeout(100)
    expect(failures, 'they wait beside the loop').toBe(0)
    at = 3000
    expect(await waited).toEqual(ten.map(() => 'store_unavailable'))
    expect(failures).toBe(1)
    other.exec('ROLLBACK')
    expect(await later).toBe('written')
    expect(await codeOf(db.write(() => insert(1)))).toBe('written')
    expect(committed()).toEqual([1, 20])
  })

  test("writes that wait for another program's lock are written in call order once it is released, with those that came meanwhile", async () => {
    db.serve()
    other.exec('BEGIN IMMEDIATE')
    const order: number[] = []
    const write = (id: number) => db.write(() => insert(id)).then(() => order.push(id))
    const all = ten.map(write)
    await setTimeout(60)
    all.push(write(10))
    await setTimeout(60)
    all.push(write(11))
    expect(await db.read(() => committed()), 'reading goes on').toEqual([])
    other.exec('COMMIT')
    await Promise.all(all)
    expect(order).toEqual([...ten, 10, 11])
    expect(committed()).toEqual([...ten, 10, 11])
  })

  test('a read that meets a lock waits asynchronously, and fails after seconds', async () => {
    db.serve()
    // What a manual VACUUM does: nobody may read while the format changes.
    const rows = () => db.raw.prepare('SELECT count(*) FROM notes').pluck().get()
    const busy = Object.assign(new Sqlite.SqliteError('database is locked', 'SQLITE_BUSY'))
    let left = 3
    const meets = () => {
      if (left-- > 0) throw busy
      return rows()
    }
    expect(await db.read(meets)).toBe(0)
    left = Infinity
    const code = codeOf(db.read(meets))
    await setTimeout(60)
    at = 3000
    expect(await code).toBe('store_unavailable')
  })

  test('a failed commit fails all its writes, including those refused because of rows that now do not exist', async () => {
    db.raw.exec('CREATE TABLE replies (note INTEGER REFERENCES notes(id) DEFERRABLE INITIALLY DEFERRED) STRICT')
    const works = [
      () => insert(1),
      () => {
        throw new Problem('email_taken')
      },
      () => db.raw.prepare('INSERT INTO replies VALUES (77)').run(),
    ]
    const failing = (work: () => unknown) =>
      db.write(work).then(
        () => 'written',
        (error: unknown) => (isConstraint(error) ? 'the commit failed' : String(error)),
      )
    expect(await Promise.all(works.map(failing))).toEqual(works.map(() => 'the commit failed'))
    expect(committed()).toEqual([])
    expect(await failing(() => insert(2))).toBe('written')
  })

  test('a disk that fills up in the middle undoes everything: nothing is written outside a transaction', async () => {
    db.raw.pragma(`max_page_count = ${Number(db.raw.pragma('page_count', { simple: true }))}`)
    const ran: number[] = []
    const codes = await Promise.all(
      ten.map(id =>
        codeOf(
          db.write(() => {
            ran.push(id)
            insert(id, id === 5 ? 'x'.repeat(100_000) : 'small')
          }),
        ),
      ),
    )
    expect(codes).toEqual(ten.map(() => 'store_unavailable'))
    expect(ran, 'what came after the failure was not even tried').toEqual([0, 1, 2, 3, 4, 5])
    expect(committed()).toEqual([])
    db.raw.pragma('max_page_count = 100000')
    expect(await Promise.all(ten.map(id => codeOf(db.write(() => insert(id)))))).toEqual(ten.map(() => 'written'))
    expect(committed()).toEqual(ten)
  })
})

test('many writes take several turns, in order, and other work runs in between', async () => {
  const statements: string[] = []
  const raw = new Sqlite(join(folder, 'long.db'), { verbose: line => statements.push(String(line)) })
  raw.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY) STRICT')
  const commits = createGroupCommit(raw, clock, { guard: work => work(), isBusy: () => false })
  const order: (number | 'somebody else')[] = []
  const all = ten.map(id =>
    commits
      .write(() => {
        at += 3
        raw.prepare('INSERT INTO notes VALUES (?)').run(id)
      })
      .then(() => order.push(id)),
  )
  const serveOthers = () => {
    order.push('somebody else')
    if (!order.includes(9)) setImmediate(serveOthers)
  }
  setImmediate(serveOthers)
  await Promise.all(all)
  raw.close()
  expect(statements.filter(line => line === 'COMMIT')).toHaveLength(5)
  const runs = order.filter((one, at) => one !== order[at - 1])
  expect(runs.slice(0, 8)).toEqual([0, 1, 'somebody else', 2, 3, 'somebody else', 4, 5])
  expect(order.filter(one => one !== 'somebody else')).toEqual(ten)
})
