// Express and express-session with a better-sqlite3 store, saved only when changed. argv: port, folder.
import { join } from 'node:path'
import { argv } from 'node:process'
import Database from 'better-sqlite3'
import makeStore from 'better-sqlite3-session-store'
import express from 'express'
import session from 'express-session'

const client = new Database(join(argv[3], 'express-session.db'))
client.pragma('journal_mode = WAL')
const SqliteStore = makeStore(session)

const app = express()
app.use(express.json())
app.use(
  session({
    store: new SqliteStore({ client }),
    secret: 'a secret of this bench and of nothing else',
    resave: false,
    saveUninitialized: false,
  }),
)
app.post('/sign-in', (request, response) => {
  const { email, name } = request.body
  request.session.user = { id: crypto.randomUUID(), email, name, roles: ['user'] }
  response.json({ ok: true })
})
app.get('/session', (request, response) =>
  response.json({
    user: request.session.user ?? null,
    session: request.session.user === undefined ? null : { endsAt: request.session.cookie.expires },
  }),
)
app.listen(Number(argv[2]), '127.0.0.1')
