import { Hono } from 'hono'
import { Problem } from '../../base/problem.ts'
import type { SessionListAnswer } from '../../contract/wire.ts'
import { describeDevice } from '../../accounts/describe-device.ts'
import type { Env } from '../request/hono-env.ts'
import { signedIn } from './require-caller.ts'
import type { AuthDeps } from './auth-deps.ts'
import { signOut } from './sign-in-routes.ts'

/** Sessions per page: by default, as many as one account may have. */
const PAGE_MAX = 100

/** Lists and ends the caller's sessions (ASVS 7.5.2). */
export function sessionsRoutes({ config, sessions, streams }: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()

  app.get('/sessions', async c => {
    const { user, session } = signedIn(c)
    const { cursor = null, limit } = c.req.query()
    const page = await sessions.page(user.id, { cursor, first: session.publicId, limit: pageSize(limit) })
    return c.json<SessionListAnswer>({
      next: page.next,
      sessions: page.sessions.map(({ publicId, userAgent, ...summary }) => ({
        id: publicId,
        device: describeDevice(userAgent),
        current: publicId === session.publicId,
        streams: streams.of(publicId),
        ...summary,
      })),
    })
  })

  app.delete('/sessions', async c => {
    const { user, session } = signedIn(c)
    const ended = await sessions.endAll(user.id, {
      reason: 'signed_out_elsewhere',
      except: session.publicId,
      byUserId: null,
    })
    // Some of this session's own streams may have been opened with copied cookies: a client with the current ones can
    // reconnect.
    streams.endStreamsOf(session.publicId)
    return c.json({ ended })
  })

  app.delete('/sessions/:id', async c => {
    const { user, session } = signedIn(c)
    const id = c.req.param('id')
    const current = id === session.publicId
    const ended = current
      ? await sessions.end(id, { reason: 'signed_out', userId: user.id, byUserId: null })
      : await sessions.end(id, {
          reason: 'signed_out_elsewhere',
          userId: user.id,
          byUserId: null,
          from: session.publicId,
        })
    if (!ended && !current) throw new Problem('not_found')
    if (current) signOut(c, config)
    return c.json({ ended: ended ? 1 : 0 })
  })

  return app
}

/** @throws Problem `invalid_query` */
function pageSize(text: string | undefined): number {
  if (text === undefined) return PAGE_MAX
  if (!/^[1-9]\d{0,2}$/.test(text) || Number(text) > PAGE_MAX) throw new Problem('invalid_query')
  return Number(text)
}
