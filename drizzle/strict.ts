// drizzle-kit cannot say STRICT; without it SQLite keeps any type in any column. Run after `drizzle-kit generate`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Every `CREATE TABLE` of generated SQL with STRICT at its end; the rest stays as it is. */
export function makeStrict(sql: string): string {
  return sql.replaceAll(/^(CREATE TABLE [^;]*\n\))( STRICT)?;/gm, '$1 STRICT;')
}

if (import.meta.main) {
  const folder = new URL('./', import.meta.url)
  for (const name of readdirSync(folder).filter(name => name.endsWith('.sql'))) {
    const file = new URL(name, folder)
    writeFileSync(file, makeStrict(readFileSync(file, 'utf8')))
  }
}
