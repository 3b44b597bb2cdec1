import { timingSafeEqual } from 'node:crypto'
import { type Clock, SECOND } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import type { Provider } from '../config/provider-config.ts'
import type { Keyring } from '../keys/types.ts'
import type { EndedAtProvider, ProviderGrantStore, ProviderLogout } from '../store/types.ts'
import type { EndedSession } from '../store/types.ts'
import { namesOf } from './provider-keys.ts'
import { readLogoutToken } from './logout-token.ts'
import { LOGOUT_MS } from './revoke.ts'
import { openTokens } from './sealed-tokens.ts'
import type { ProviderClient } from './types.ts'

/** Propagates sign-outs: from here to the provider, and from the provider to here. */
export interface ProviderLogouts {
  /**
   * How a user who just signed out of this session can continue to the provider's sign-out. Never throws and never
   * blocks for long: the session has ended whatever the provider does.
   * @returns null if there is nothing to continue to
   */
  after(sessionId: string): Promise<LogoutOffer | null>
  /**
   * Returns the URL of the provider's sign-out, once.
   * @param sealed the cookie that `after` issued, or null
   * @returns null if there is nothing (left) to sign out of
   * @throws Problem `not_found`, `provider_unavailable`
   */
  redirect(provider: string, sealed: string | null): Promise<LogoutRedirect | null>
  /** Whether a browser that returns from a provider's sign-out is the one that was sent: its `state` matches. */
  returned(provider: string, sealed: string | null, state: string): Promise<boolean>
  /**
   * Handles a back-channel logout request.
   * @param token null if the request had none
   * @throws Problem `not_found`, `bad_request`, `provider_unavailable`, `store_unavailable`
   */
  backchannel(provider: string, token: string | null): Promise<void>
}

export interface LogoutOffer {
  provider: string
  mode: 'link' | 'always'
  cookie: string
  maxAgeSeconds: number
}

/** @param cookie replaces the one that `after` issued: the ticket is used, but its `state` is still expected */
export interface LogoutRedirect {
  href: string
  cookie: string
  maxAgeSeconds: number
}

interface Deps {
  clock: Clock
  log: Log
  meter: Meter
  publicUrl: string
  keyring: Keyring
  grants: ProviderGrantStore
  providers: readonly Provider[]
  client: (id: string) => Promise<ProviderClient>
  endAtProvider: (logout: ProviderLogout) => Promise<EndedAtProvider>
  announce: (ended: readonly EndedSession[]) => void
  /** A session's grant has ended, but not the session. */
  grantEnded: (sessionId: string) => void
}

/** `used`: the browser was sent already. Otherwise it could be sent repeatedly to a provider that returns no `state`. */
interface Ticket {
  grant: string
  state: string
  endsAt: number
  used: boolean
}

/** The longest URL, in characters. Proxies commonly limit all response headers together to 4096 bytes. */
const MAX_HREF_LENGTH = 2048

/** How long a sign-out waits for a provider's metadata: either they are cached, or the provider is down. */
const METADATA_WAIT_MS = 250

export function createLogouts({
  clock,
  log,
  meter,
  publicUrl,
  keyring,
  grants,
  providers,
  client,
  endAtProvider,
  announce,
  grantEnded,
}: Deps): ProviderLogouts {
  async function prepareOffer(sessionId: string): Promise<LogoutOffer | null> {
    const rows = await grants.allOfSession(sessionId)
    const row = rows.find(candidate => candidate.origin === 'sign_in' && candidate.sealed !== null)
    const provider = providers.find(configured => configured.id === row?.provider)
    if (row === undefined || provider === undefined || provider.logout === 'never') return null
    const known = await Promise.race([
      client(provider.id).catch(() => null),
      new Promise<null>(resolve => setTimeout(resolve, METADATA_WAIT_MS, null).unref()),
    ])
    // Without metadata, the ticket is issued anyway: `leave` checks again.
    if (known !== null && known.configuration.serverMetadata().end_session_endpoint === undefined) return null
    if ((await idTokenOf(row.id)) === null) return null
    const ticket: Ticket = { grant: row.id, state: randomId(32), endsAt: clock.now().wall + LOGOUT_MS, used: false }
    return { provider: provider.id, mode: provider.logout, ...(await cookieOf(provider.id, ticket)) }
  }

  async function cookieOf(provider: string, ticket: Ticket): Promise<{ cookie: string; maxAgeSeconds: number }> {
    const cookie = keyring.seal('logout', { ...ticket }, provider)
    return { cookie, maxAgeSeconds: Math.ceil((ticket.endsAt - clock.now().wall) / SECOND) }
  }

  async function idTokenOf(grantId: string): Promise<string | null> {
    const tokens = await openTokens(keyring, await grants.find(grantId))
    return tokens?.idToken ?? null
  }

  async function open(provider: string, sealed: string | null): Promise<Ticket | null> {
    const opened = sealed === null ? null : await keyring.open('logout', sealed, provider)
    // Only we can have sealed it, so its shape is the one above.
    const ticket = opened as Ticket | null
    return ticket !== null && clock.now().wall < ticket.endsAt ? ticket : null
  }

  function mustKnow(id: string): void {
    if (!providers.some(provider => provider.id === id)) throw new Problem('not_found')
  }

  return {
    async after(sessionId) {
      try {
        return await prepareOffer(sessionId)
      } catch (error) {
        log.warn(
          { event: 'provider_logout_failed', error, session: sessionId },
          'failed to prepare the logout at the provider; the session has ended anyway',
        )
        return null
      }
    },

    async redirect(provider, sealed) {
      mustKnow(provider)
      const ticket = await open(provider, sealed)
      const idToken = ticket === null || ticket.used ? null : await idTokenOf(ticket.grant)
      if (ticket === null || idToken === null) return null
      const { openid, configuration } = await client(provider)
      if (configuration.serverMetadata().end_session_endpoint === undefined) return null
      const parameters = { post_logout_redirect_uri: `${publicUrl}/auth/logout/${provider}`, state: ticket.state }
      const { href } = openid.buildEndSessionUrl(configuration, { ...parameters, id_token_hint: idToken })
      return {
        // Without the hint, the provider identifies us by our client_id and asks the user to confirm.
        href: href.length <= MAX_HREF_LENGTH ? href : openid.buildEndSessionUrl(configuration, parameters).href,
        ...(await cookieOf(provider, { ...ticket, used: true })),
      }
    },

    async returned(provider, sealed, state) {
      mustKnow(provider)
      const ticket = await open(provider, sealed)
      if (ticket === null) return false
      const [expected, received] = [Buffer.from(ticket.state), Buffer.from(state)]
      return expected.length === received.length && timingSafeEqual(expected, received)
    },

    async backchannel(id, token) {
      mustKnow(id)
      const counted = (outcome: string) => meter.count('provider_logouts_total', { provider: id, outcome })
      try {
        if (token === null) throw new Problem('bad_request', { detail: 'A form with one logout_token is expected.' })
        const now = clock.now().wall
        const { issuer, subject, sid, jti, alg, endsAt } = await readLogoutToken(await client(id), token, now)
        const { repeated, otherAlg, ended, unlinked } = await endAtProvider({
          issuer,
          subject,
          sid,
          algs: namesOf(alg),
          use: { key: `jti:${issuer} ${jti}`, endsAt },
          at: now,
        })
        if (repeated) throw new Problem('bad_request', { detail: 'This logout token was used before.' })
        if (otherAlg)
          throw new Problem(
            'bad_request',
            { detail: 'This logout token cannot be trusted.' },
            new Error(
              `a logout token was refused: it is signed with ${alg}, and the ID tokens of what it names are not`,
            ),
          )
        announce(ended)
        for (const sessionId of unlinked) grantEnded(sessionId)
        counted('ended')
        log.info(
          { event: 'provider_logout_received', provider: id, sessions: ended.length, unlinked: unlinked.length },
          'a provider reported a logout',
        )
      } catch (error) {
        const code = error instanceof Problem ? error.code : 'failed'
        counted(code)
        if (code === 'bad_request')
          log.warn(
            { event: 'provider_logout_rejected', error: (error as Problem).cause ?? error, provider: id },
            'rejected a logout token',
          )
        throw error
      }
    },
  }
}
