import { Hono } from 'hono'
import type { LinksAnswer, ProviderLoginAnswer } from '../../contract/wire.ts'
import type { Env } from '../request/hono-env.ts'
import { requireFresh, signedIn } from './require-caller.ts'
import type { AuthDeps } from './auth-deps.ts'
import { keepTransaction, roomForTransaction } from './provider-cookie.ts'

/** Where linking begins and ends. */
const PAGE = '/account'

/**
 * The caller's linked identities. Each can sign in, so adding and removing one requires a recent sign-in (ASVS 7.5.1).
 */
export function linksRoutes({ people, providers, providerLogin, vault, clock, config }: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()
  const now = () => clock.now().wall

  app.get('/links', async c => {
    const { user } = signedIn(c)
    const account = await people.accounts.find(user.id)
    return c.json<LinksAnswer>({
      links: await providerLogin.links(user.id),
      password: people.accounts.authority === 'local' && account?.hasPassword === true,
    })
  })

  // Only completes in this very session, which the transaction names (OA-20).
  app.post('/links/:id', async c => {
    const who = signedIn(c)
    requireFresh(who, now())
    const begun = await providers.begin(c.req.param('id'), {
      purpose: { kind: 'link', userId: who.user.id, sessionId: who.session.publicId },
      returnTo: PAGE,
      maxBytes: roomForTransaction(c, config.secureCookies),
      network: who.client.network,
    })
    keepTransaction(c, begun, config.secureCookies)
    return c.json<ProviderLoginAnswer>({ href: begun.href })
  })

  app.delete('/links/:id', async c => {
    const who = signedIn(c)
    requireFresh(who, now())
    const unlinked = await providerLogin.unlink(c.req.param('id'), {
      ...who.actor,
      userId: who.user.id,
      sessionId: who.session.publicId,
    })
    // The sessions continue, but without what the provider granted.
    for (const sessionId of unlinked) vault.ended(sessionId)
    return c.json({})
  })

  return app
}
