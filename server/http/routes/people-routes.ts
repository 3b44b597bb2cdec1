import { type Context, Hono } from 'hono'
import { Problem } from '../../base/problem.ts'
import {
  ChangePersonRequest,
  InviteRequest,
  type InvitesAnswer,
  type PeopleAnswer,
  type WirePerson,
} from '../../contract/wire.ts'
import type { Env } from '../request/hono-env.ts'
import { languageIn } from './language-in.ts'
import { readJson } from './read-body.ts'
import { administrator, requireFresh } from './require-caller.ts'
import type { AuthDeps } from './auth-deps.ts'

/**
 * Cursors are our own ids.
 * @throws Problem `invalid_query`
 */
function cursorOf(c: Context<Env>): string | null {
  const cursor = c.req.query('cursor') ?? null
  if (cursor !== null && !/^[\w-]{1,64}$/.test(cursor)) throw new Problem('invalid_query')
  return cursor
}

/**
 * Manages accounts and invitations, for administrators. Granting access or authority requires a recent sign-in;
 * revoking it does not, since that may be urgent.
 */
export function peopleRoutes({ people, sessions, streams, clock }: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()
  const now = () => clock.now().wall

  app.get('/people', async c => {
    administrator(c)
    return c.json<PeopleAnswer>(await people.accounts.page(cursorOf(c)))
  })

  app.patch('/people/:id', async c => {
    const admin = administrator(c)
    const { roles, disabled } = await readJson(c, ChangePersonRequest)
    if (roles !== undefined || disabled === false) requireFresh(admin, now())
    const { id } = await people.accounts.change(c.req.param('id'), { roles, disabled }, admin.actor)
    return c.json<WirePerson>(await people.accounts.person(id))
  })

  app.delete('/people/:id/sessions', async c => {
    const { user, session } = administrator(c)
    const id = c.req.param('id')
    if ((await people.accounts.find(id)) === null) throw new Problem('not_found')
    // As when ending one's own other sessions: this session's streams may have been opened with copied cookies.
    if (id === user.id) streams.endStreamsOf(session.publicId)
    const ended =
      id === user.id
        ? await sessions.endAll(id, { reason: 'signed_out_elsewhere', except: session.publicId, byUserId: null })
        : await sessions.endAll(id, { reason: 'admin', except: null, byUserId: user.id })
    return c.json({ ended })
  })

  app.post('/people/:id/reset', async c => {
    const admin = administrator(c)
    requireFresh(admin, now())
    return c.json(await people.resets.makeLink(c.req.param('id'), admin.actor))
  })

  app.post('/people/:id/factors/reset', async c => {
    const admin = administrator(c)
    requireFresh(admin, now())
    const id = c.req.param('id')
    // Nobody gets around their own second factor: that would need only what a stolen session has.
    if (id === admin.user.id) throw new Problem('forbidden', { detail: 'Another administrator has to do this.' })
    await people.factors.reset(id, admin.actor)
    return c.json({})
  })

  app.get('/invites', async c => {
    administrator(c)
    return c.json<InvitesAnswer>(await people.registration.invites(cursorOf(c)))
  })

  app.post('/invites', async c => {
    const admin = administrator(c)
    const { email = null, roles = ['user'], send = false } = await readJson(c, InviteRequest)
    if (roles.includes('admin')) requireFresh(admin, now())
    return c.json(await people.registration.invite({ email, roles }, admin.actor, send ? languageIn(c) : null))
  })

  app.delete('/invites/:id', async c => {
    const { actor } = administrator(c)
    await people.registration.revoke(c.req.param('id'), actor)
    return c.json({})
  })

  return app
}
