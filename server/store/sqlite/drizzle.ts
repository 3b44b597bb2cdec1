import { createRequire } from 'node:module'
import type * as Orm from 'drizzle-orm'
import type * as Driver from 'drizzle-orm/better-sqlite3'
import type * as Core from 'drizzle-orm/sqlite-core'

// Drizzle's package.json is 180 KB, and Node reads it again for every file of an ES module graph: importing it takes a
// second and 200 MB. Its CommonJS build is the same code without that. drizzle-kit evaluates the schema as a script
// without import.meta.url, at the root of the project.
const require = createRequire(import.meta.url ?? `${process.cwd()}/package.json`)

const { getTableColumns } = require('drizzle-orm') as typeof Orm
export const {
  and,
  asc,
  count,
  desc,
  eq,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  max,
  min,
  ne,
  notInArray,
  or,
  sql,
} = require('drizzle-orm') as typeof Orm
export const { blob, index, integer, sqliteTable, text, uniqueIndex } =
  require('drizzle-orm/sqlite-core') as typeof Core
export const { drizzle } = require('drizzle-orm/better-sqlite3') as typeof Driver

export type SQL = Orm.SQL

/** A placeholder per column, with the same name: for prepared inserts. */
export function everyColumn<T extends Core.SQLiteTable>(table: T) {
  const names = Object.keys(getTableColumns(table)) as (keyof T['$inferInsert'] & string)[]
  return Object.fromEntries(names.map(name => [name, sql.placeholder(name)])) as Record<
    keyof T['$inferInsert'],
    ReturnType<typeof sql.placeholder>
  >
}
