import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import { createLog } from '../../base/log.ts'
import { noMeter } from '../../base/meter.ts'
import { newRoot } from '../../keys/file.ts'
import { createKeyring } from '../../keys/keyring.ts'
import { cookieName, readSessionCookies } from '../../session/cookie-names.ts'
import { createSessions, type SessionSettings } from '../../session/sessions.ts'
import { accounts } from '../../store/sqlite/schema.ts'
import { testStore } from '../../store/store.testing.ts'

const HOUR = 3_600_000
const SETTINGS: SessionSettings = {
  accessMs: 900_000,
  confirmMs: 60_000,
  graceMs: 600_000,
  idleMs: HOUR,
  browserIdleMs: HOUR,
  absoluteMs: HOUR,
  maxSessions: 100,
  secureCookies: false,
}

/** The least that can be looked at: the session room, real or with a rule taken out, behind two paths of HTTP.
 * `POST /login` signs in whoever asks; `GET /auth/session` says whether one is. */
export async function startSessionServer({
  make = createSessions,
  settings = {},
}: { make?: typeof createSessions; settings?: Partial<SessionSettings> } = {}) {
  const opened = testStore()
  const { store } = opened
  const sessions = make({
    clock: systemClock,
    timers: { every: () => () => {} },
    log: createLog('silent'),
    meter: noMeter,
    store: store.sessions,
    keyring: createKeyring([newRoot(0)]),
    settings: { ...SETTINGS, ...settings },
  })
  const names = { access: cookieName('access', false), refresh: cookieName('refresh', false) }

  function newPerson(): string {
    const userId = randomId()
    store.db.sql
      .insert(accounts)
      .values({
        id: userId,
        email: `${userId}@example.test`,
        emailKey: userId,
        name: 'A',
        roles: ['user'],
        createdAt: 0,
      })
      .run()
    return userId
  }

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const client = { userAgent: 'a browser', network: '127.0.0.1' }
    const send = (body: object, cookies: readonly string[]) =>
      outgoing
        .writeHead(200, { 'content-type': 'application/json', 'set-cookie': [...cookies] })
        .end(JSON.stringify(body))
    if (incoming.method === 'POST') {
      const { session, grant } = await sessions.open({
        userId: newPerson(),
        amr: ['pwd'],
        remember: false,
        client,
        replaces: null,
        numbers: null,
        reauthenticates: false,
        passwordSetAt: null,
        authTime: null,
        endsAt: null,
        providerGrant: null,
      })
      return void send({ user: { id: session.userId }, session }, sessions.cookiesFor(grant))
    }
    const resolution = await sessions.resolve(readSessionCookies(incoming.headers.cookie, names), {
      renews: true,
      foreground: true,
    })
    if (resolution.state === 'nobody')
      return void send(
        { user: null, session: null, ...(resolution.ended === null ? {} : { ended: resolution.ended }) },
        [],
      )
    send(
      { user: { id: resolution.session.userId }, session: resolution.session },
      resolution.grant === null ? [] : sessions.cookiesFor(resolution.grant),
    )
  }

  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.writeHead(500).end())
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return {
    origin,
    sessions,
    store,
    newPerson,
    place: { origin, host: '127.0.0.1', port, tls: false },
    async close() {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
      await sessions.close()
      opened.remove()
    },
  }
}
