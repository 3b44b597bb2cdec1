// Better Auth as its guide for Hono has it: e-mail and password, better-sqlite3 in WAL. argv: port, folder, "cache" or
// "plain".
import { join } from 'node:path'
import { argv } from 'node:process'
import { serve } from '@hono/node-server'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import Database from 'better-sqlite3'
import { Hono } from 'hono'

const [port, folder, cache] = [Number(argv[2]), argv[3], argv[4]]
const database = new Database(join(folder, 'better-auth.db'))
database.pragma('journal_mode = WAL')
const options = {
  database,
  baseURL: `http://localhost:${port}`,
  secret: 'a secret of this bench and of nothing else, 0123456789',
  emailAndPassword: { enabled: true },
  session: { cookieCache: { enabled: cache === 'cache', maxAge: 3600 } },
  // It would refuse what is measured.
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
}
await (await getMigrations(options)).runMigrations()
const auth = betterAuth(options)

const app = new Hono()
app.on(['POST', 'GET'], '/api/auth/*', c => auth.handler(c.req.raw))
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
