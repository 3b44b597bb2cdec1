import * as v from 'valibot'
import type { Account } from '../accounts/account.ts'
import { checkFields } from '../base/check-fields.ts'
import { LoginRequest } from '../contract/wire.ts'
import type { PasswordLogin } from './password-login.ts'
import { postedFields, type Proof, type SignInMethod } from './sign-in-method.ts'

const Fields = v.pick(LoginRequest, ['email', 'password'])

const PasswordOnly = v.pick(LoginRequest, ['password'])

interface Deps {
  passwordLogin: PasswordLogin
  minLength: number
}

/** Signs in with an e-mail address and a password that are stored here. */
export function createPasswordMethod({ passwordLogin, minLength }: Deps): SignInMethod {
  return {
    id: 'password',
    describe: () => ({ kind: 'password', minLength, by: null, links: { register: null, reset: null } }),

    async authenticate(input, { client, device }) {
      const { email, password } = checkFields(Fields, postedFields(input))
      const { account } = await passwordLogin.authenticate({ email, password, device, client })
      return { next: 'session', proof: passwordProof(account) }
    },

    async reauthenticate(input, { client, session: { userId, publicId: sessionId } }) {
      const { password } = checkFields(PasswordOnly, postedFields(input))
      const { account } = await passwordLogin.confirm({ userId, sessionId, password, client })
      return { next: 'session', proof: passwordProof(account) }
    },
  }
}

/** The proof of a user who has just entered, or chosen, the password of their account. */
export function passwordProof(account: Account): Proof {
  const setAt = account.passwordChangedAt
  return { account, amr: ['pwd'], basis: setAt === null ? null : { kind: 'password', setAt }, abandon: () => {} }
}
