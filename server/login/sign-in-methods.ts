import { Problem } from '../base/problem.ts'
import type { SignInMethod } from './sign-in-method.ts'

/** The sign-in methods of this site, chosen once at start. */
export interface SignInMethods {
  /** In the order in which pages show them. */
  all(): readonly SignInMethod[]
  /** @throws Problem `not_found` */
  find(id: string): SignInMethod
  /** The one with the password form. @throws Problem `not_found` if there is none */
  password(): SignInMethod
}

export function createSignInMethods(methods: readonly SignInMethod[]): SignInMethods {
  const byId = new Map(methods.map(method => [method.id, method]))
  if (byId.size !== methods.length)
    throw new Error(`two sign-in methods have the same id: ${methods.map(({ id }) => id).join(', ')}`)
  const password = methods.find(method => method.describe().kind === 'password')
  return {
    all: () => methods,
    find: id => existing(byId.get(id)),
    password: () => existing(password),
  }
}

function existing(method: SignInMethod | undefined): SignInMethod {
  if (method === undefined) throw new Problem('not_found')
  return method
}
