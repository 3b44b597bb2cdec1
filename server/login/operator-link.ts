import type { Account } from '../accounts/account.ts'
import { OPERATOR, originOf } from '../accounts/actor.ts'
import type { Clock } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { OperatorError } from '../base/operator-error.ts'
import type { Config } from '../config/types.ts'
import { TOKEN_API } from '../contract/token-api-id.ts'
import type { IdentityStore } from '../store/types.ts'

interface Deps {
  config: Pick<Config, 'tokenApi'>
  identities: Pick<IdentityStore, 'list' | 'link'>
  clock: Clock
  /** Finds the account. It is not asked if no token API is configured. */
  find: () => Promise<Pick<Account, 'id'>>
}

/**
 * Links an existing account to a user of the token API. Only the operator knows that both are the same person: an
 * e-mail address proves nothing (OI-7).
 * @param shownAs how the operator referred to the account
 * @returns the name of the API
 * @throws OperatorError if no token API is configured, or the account is linked to another of its users
 */
export async function linkByOperator(
  { config: { tokenApi }, identities, clock, find }: Deps,
  { subject, shownAs }: { subject: string; shownAs: string },
): Promise<string> {
  if (tokenApi === null)
    throw new OperatorError('This site does not use an external API for passwords.', [
      'People link provider accounts themselves, under Account.',
    ])
  const { name, url } = tokenApi
  const { id } = await find()
  const other = (await identities.list(id)).find(identity => identity.issuer === url && identity.subject !== subject)
  if (other !== undefined) throw new OperatorError(`${shownAs} is already linked to ${other.subject} of ${name}.`)
  const { wall: at } = clock.now()
  // Their user name there is recorded when they first sign in.
  const seen = { label: subject, email: null, emailVerified: false, linkedIn: null, createdAt: at, lastUsedAt: at }
  await identities.link(
    { id: randomId(), userId: id, provider: TOKEN_API, issuer: url, subject, ...seen },
    null,
    originOf(OPERATOR, id, at),
  )
  return name
}
