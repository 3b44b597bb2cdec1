import { decodeJwt } from 'jose'
import type { CallObserver } from '../base/call-observer.ts'
import { type Clock, SECOND, type UnixMs } from '../base/clock.ts'
import { durationOf, instantOf } from '../base/numbers.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import type { TokenApi } from '../config/token-api-settings.ts'
import { type TokenAnswer, type TokenCallTemplate, WHOLE } from '../config/token-calls.ts'
import { tokenHeaderValue } from '../config/token-header.ts'
import { TOKEN_API } from '../contract/token-api-id.ts'
import { type Claims, emailOf, isTrue, memberOf, nameOf, subjectOf } from './claims.ts'
import { neverLeft, retryAfterMs } from './provider-failures.ts'
import { FailedCheck } from './flow.ts'
import { observedOutbound } from './observed-outbound.ts'
import { createOutbound } from './outbound.ts'
import { reportMissing, rolesOf } from './role-claims.ts'
import { encoded, isToken, parsed } from './token-api-messages.ts'
import { RefreshFailure, type TokenClient } from './token-client-types.ts'
import type { ProviderProfile, ProviderTokens } from './types.ts'

/** A client for an API that authenticates users itself and issues its own tokens. */
export interface TokenApiClient extends TokenClient {
  /** The name that people know it by. */
  readonly name: string
  readonly links: TokenApi['links']
  /**
   * Checks credentials with the API.
   * @throws Problem `invalid_credentials`, `account_disabled`, `slow_down` by the API's status; `provider_unavailable`,
   * `provider_answer_invalid` if it did not decide
   */
  signIn(username: string, password: string): Promise<{ person: ProviderProfile; tokens: ProviderTokens }>
  close(): Promise<void>
}

interface Answer {
  status: number
  headers: Headers
  body: unknown
}

export function createTokenApiClient(
  api: TokenApi,
  { clock, log, observer }: { clock: Clock; log: Log; observer: CallObserver | null },
): TokenApiClient {
  const { protocol, hostname } = new URL(api.url)
  const unobserved = createOutbound({
    trusted: [hostname.replace(/^\[|\]$/g, '')],
    mayBePlain: protocol === 'http:',
    report: () => {},
  })
  const outbound =
    observer === null
      ? unobserved
      : observedOutbound(unobserved, { observer, peer: TOKEN_API, operationOf: () => 'token_api' })

  async function call(
    target: string,
    method: string,
    headers: Record<string, string>,
    body: string | null,
  ): Promise<Answer> {
    const response = await outbound.fetch(api.url + target, {
      method,
      headers: { accept: 'application/json', ...headers },
      ...(body === null ? {} : { body }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: parsed(text, response.headers) }
  }

  const tokenHeader = (token: string): Record<string, string> =>
    api.tokenHeader === null
      ? { authorization: `Bearer ${token}` }
      : { [api.tokenHeader.name]: tokenHeaderValue(api.tokenHeader, token) }

  const withToken = (template: TokenCallTemplate, token: string) => {
    const { path, method, as, also, name } = template
    const fields = template.token === 'body' ? { ...also, [name]: token } : also
    const query = template.token === 'query' ? `?${new URLSearchParams({ [name]: token }).toString()}` : ''
    const bearer = template.token === 'bearer' ? tokenHeader(token) : {}
    const { type, text } = encoded(as, fields)
    const hasBody = method !== 'GET' && Object.keys(fields).length > 0
    return call(
      path + query,
      method,
      { ...bearer, ...(hasBody ? { 'content-type': type } : {}) },
      hasBody ? text : null,
    )
  }

  /** @throws FailedCheck */
  function tokensOf(
    body: unknown,
    answer: TokenAnswer,
    { before, askedAt }: { before: ProviderTokens | null; askedAt: UnixMs },
  ): ProviderTokens {
    const isWhole = answer.accessToken === WHOLE
    if (!isWhole && (typeof body !== 'object' || body === null))
      throw new FailedCheck('the token response is not a JSON object')
    const claims = isWhole ? {} : (body as Claims)
    const accessToken = isWhole ? body : memberOf(claims, answer.accessToken)
    if (typeof accessToken !== 'string' || !isToken(accessToken))
      throw new FailedCheck(
        isWhole ? 'the response is not a token' : `the response has no usable ${answer.accessToken}`,
      )
    const refreshToken = memberOf(claims, answer.refreshToken)
    if (typeof refreshToken === 'string' && !isToken(refreshToken))
      throw new FailedCheck(`the response has no usable ${answer.refreshToken}`)
    return {
      accessToken,
      // An API that issues no new one intends the old one to stay valid.
      refreshToken:
        api.refresh === null ? null : typeof refreshToken === 'string' ? refreshToken : (before?.refreshToken ?? null),
      idToken: null,
      tokenType: 'Bearer',
      scope: null,
      accessEndsAt: endOf(accessToken, memberOf(claims, answer.expiresIn), askedAt),
      dpopKey: null,
    }
  }

  async function fetchProfile(accessToken: string): Promise<ProviderProfile> {
    const claims = api.userInfo === null ? claimsOf(accessToken) : await fetchUserInfo(api.userInfo, accessToken)
    if (claims === null)
      throw new FailedCheck(
        api.userInfo === null
          ? 'the access token is not a JWT with claims: set userInfo'
          : 'user info is not an object',
      )
    reportMissing(log, { id: TOKEN_API, roles: api.roles }, claims)
    const { fields } = api
    const read = (path: string | null) => (path === null ? undefined : memberOf(claims, path))
    const subject = subjectOf(read(fields.subject))
    if (subject === null) throw new FailedCheck(`nothing usable in ${fields.subject}`)
    const email = emailOf(read(fields.email))
    return {
      provider: TOKEN_API,
      issuer: api.url,
      subject,
      email,
      emailVerified: email !== null && isTrue(read(fields.emailVerified)),
      name: nameOf(read(fields.name)),
      label: null,
      roles: rolesOf(claims, api.roles),
      authTime: null,
      amr: ['pwd'],
      providerSid: null,
    }
  }

  async function fetchUserInfo(path: string, accessToken: string): Promise<Claims | null> {
    const { status, body } = await call(path, 'GET', tokenHeader(accessToken), null)
    if (status >= 500 || status === 429) throw new Unjudged(`user info answered ${status}`)
    if (status !== 200) throw new FailedCheck(`user info answered ${status}`)
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Claims) : null
  }

  /** Maps the status of a failed sign-in. The body is not repeated, since it might quote the password. */
  function refusalOf({ status, headers }: Answer): Problem {
    const code = api.errors.get(status)
    if (code === undefined)
      return status >= 500
        ? unavailable(new Error(`the sign-in answered ${status}`))
        : invalid(new FailedCheck(`the sign-in answered ${status}`))
    return code === 'slow_down'
      ? new Problem(code, { retryAfter: Math.ceil((retryAfterMs(headers, clock.now().wall) ?? 30 * SECOND) / SECOND) })
      : new Problem(code)
  }

  /** How long to wait after a failed call: as the response says, otherwise a moment after 429. */
  function pauseOf({ status, headers }: Answer): { retryAfterMs: number | null } {
    const asked = retryAfterMs(headers, clock.now().wall)
    return { retryAfterMs: asked ?? (status === 429 ? 5 * SECOND : null) }
  }

  return {
    name: api.name,
    links: api.links,

    async signIn(username, password) {
      const { path, method, as, also, ...names } = api.login
      const { type, text } = encoded(as, { ...also, [names.username]: username, [names.password]: password })
      const askedAt = clock.now().wall
      try {
        const answer = await call(path, method, { 'content-type': type }, text)
        if (answer.status < 200 || answer.status > 299) throw refusalOf(answer)
        const tokens = tokensOf(answer.body, api.answer, { before: null, askedAt })
        return { person: { ...(await fetchProfile(tokens.accessToken)), label: username }, tokens }
      } catch (error) {
        if (error instanceof Problem) throw error
        throw error instanceof FailedCheck ? invalid(error) : unavailable(error)
      }
    },

    async refresh(tokens) {
      if (api.refresh === null)
        throw new RefreshFailure('unchanged', new Problem('provider_sign_in_required', { provider: TOKEN_API }))
      const askedAt = clock.now().wall
      const answer = await failing(() => withToken(api.refresh as TokenCallTemplate, tokens.refreshToken ?? ''))
      const { status } = answer
      if (status === 429)
        throw new RefreshFailure('unchanged', unavailable(new Error('the refresh answered 429')), pauseOf(answer))
      if (api.over.has(status))
        throw new RefreshFailure('over', new Problem('provider_refused', { provider: TOKEN_API }))
      // A refusal, but the configuration does not list the status as final.
      if (status === 401 || status === 403)
        throw new RefreshFailure(
          'refused',
          new Problem('provider_refused', { provider: TOKEN_API }, new Error(`the refresh answered ${status}`)),
        )
      if (status < 200 || status > 299)
        throw new RefreshFailure('unknown', unavailable(new Error(`the refresh answered ${status}`)), pauseOf(answer))
      try {
        return { tokens: tokensOf(answer.body, api.refreshAnswer, { before: tokens, askedAt }), idToken: null }
      } catch (error) {
        throw new RefreshFailure('unknown', invalid(error), { blame: 'grant' })
      }
    },

    async standing({ tokens }, { subject }) {
      // Only called if the result matters.
      if (api.roles === null) return { idToken: null, roles: null }
      const person = await fetchProfile(tokens.accessToken)
      if (person.subject !== subject) throw new FailedCheck('the API returned another person')
      return { idToken: null, roles: person.roles }
    },

    revoke:
      api.revoke === null
        ? null
        : async tokens => {
            const answer = await failing(() =>
              withToken(api.revoke as TokenCallTemplate, tokens.refreshToken ?? tokens.accessToken),
            )
            const { status } = answer
            if (status === 429 || status >= 500)
              throw new RefreshFailure(
                'unchanged',
                unavailable(new Error(`the revocation answered ${status}`)),
                pauseOf(answer),
              )
          },

    exchange: null,
    close: outbound.close,
  }
}

/** The API did not decide, through no fault of the user. */
class Unjudged extends Error {
  override readonly name = 'Unjudged'
}

function unavailable(cause: unknown): Problem {
  return new Problem('provider_unavailable', { provider: TOKEN_API, retryAfter: 5 }, cause)
}

function invalid(cause: unknown): Problem {
  return new Problem('provider_answer_invalid', { provider: TOKEN_API }, cause)
}

async function failing(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work()
  } catch (error) {
    throw new RefreshFailure(neverLeft(error) ? 'unchanged' : 'unknown', unavailable(error))
  }
}

/**
 * The claims of a token received directly from its issuer, whose signature need not be verified (as in OIDC Core
 * §3.1.3.7).
 */
function claimsOf(token: string): Claims | null {
  try {
    return decodeJwt(token)
  } catch {
    return null
  }
}

/**
 * @param expiresIn seconds from the response; otherwise the token's `exp` applies
 * @returns null if unknown
 */
function endOf(token: string, expiresIn: unknown, askedAt: UnixMs): UnixMs | null {
  const seconds = durationOf(expiresIn)
  return seconds === null ? instantOf(claimsOf(token)?.['exp']) : askedAt + seconds * SECOND
}
