import { TOKEN_API } from '#contract/token-api-id.ts'
import type { LinksAnswer, MethodsAnswer } from '#contract/wire.ts'

/** What an account can confirm its identity with. */
export interface ConfirmationMethods {
  password: boolean
  providers: MethodsAnswer['providers']
}

/** @param all the site's sign-in methods, of which the account may have some */
export function confirmationMethods({ links, password }: LinksAnswer, all: MethodsAnswer): ConfirmationMethods {
  const isLinked = (id: string) => links.some(link => link.provider === id)
  return {
    password: all.password.by === null ? password : isLinked(TOKEN_API),
    providers: all.providers.filter(one => isLinked(one.id)),
  }
}
