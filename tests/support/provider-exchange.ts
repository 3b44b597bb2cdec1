import type Provider from 'oidc-provider'
import { errors, type TokenEndpointGrantContext } from 'oidc-provider'
import { checkDpopReplay, checkDpopRequired, validateDpop } from 'oidc-provider/lib/helpers/grants.js'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const PARAMETERS = ['subject_token', 'subject_token_type', 'audience', 'resource', 'scope', 'requested_token_type']

interface Parameters {
  subject_token?: string
  subject_token_type?: string
  audience?: string
  scope?: string
}

/**
 * Token exchange (RFC 8693), which oidc-provider leaves to whoever needs it: an access token of this provider for a JWT
 * that is for `audience` alone. An audience that is not in the list is `invalid_target` (§2.2.2).
 */
export function addTokenExchange(provider: Provider, audiences: readonly string[], lifeSeconds: number): void {
  const handler = async (ctx: TokenEndpointGrantContext<Parameters>): Promise<void> => {
    const { subject_token: subjectToken, subject_token_type: subjectTokenType, audience, scope = '' } = ctx.oidc.params
    const { client } = ctx.oidc
    if (!client || subjectToken === undefined || subjectTokenType !== ACCESS_TOKEN)
      throw new errors.InvalidRequest('a subject token and its type are needed')
    const proof = await validateDpop(provider, ctx)
    checkDpopRequired(provider, ctx, proof)
    const subject = await provider.AccessToken.find(subjectToken)
    if (!subject || subject.clientId !== client.clientId) throw new errors.InvalidGrant('subject token not found')
    if (subject.jkt !== undefined && subject.jkt !== proof?.thumbprint)
      throw new errors.InvalidGrant('the subject token is bound to another key')
    if (audience === undefined || !audiences.includes(audience)) throw new errors.InvalidTarget()

    const token = new provider.AccessToken({
      accountId: subject.accountId,
      client,
      grantId: subject.grantId,
      gty: 'token_exchange',
      sessionUid: subject.sessionUid,
      expiresWithSession: subject.expiresWithSession,
      scope,
    })
    token.resourceServer = new provider.ResourceServer(audience, {
      audience,
      scope,
      accessTokenTTL: lifeSeconds,
      accessTokenFormat: 'jwt',
      jwt: { sign: { alg: 'RS256' } },
    })
    if (proof) {
      await checkDpopReplay(provider, ctx, proof, client.clientId)
      token.setThumbprint('jkt', proof.thumbprint)
    }
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: ACCESS_TOKEN,
      token_type: token.tokenType,
      expires_in: lifeSeconds,
    }
  }
  provider.registerGrantType<Parameters>(TOKEN_EXCHANGE, handler, PARAMETERS, ['audience', 'resource'])
}
