import type { Claim } from '../config/upstream-config.ts'
import type { RelayCaller } from './types.ts'

/** Names and types of OIDC Core §5.1. */
export interface PersonalClaims {
  name?: string
  email?: string
  email_verified?: boolean
  locale?: string
}

/**
 * What an upstream's token says about its user, as it is now. What is unknown is left out: an account of a provider may
 * have no address, and without an address nothing can be said about it.
 */
export function personalClaims(
  wanted: readonly Claim[],
  { user, language }: Pick<RelayCaller, 'user' | 'language'>,
): PersonalClaims {
  const claims: PersonalClaims = {}
  for (const claim of wanted) {
    switch (claim) {
      case 'name':
        claims.name = user.name
        break
      case 'email':
        if (user.email !== null) claims.email = user.email
        break
      case 'email_verified':
        if (user.email !== null) claims.email_verified = user.emailVerified
        break
      case 'locale':
        if (language !== null) claims.locale = language
        break
      default:
        claim satisfies never
    }
  }
  return claims
}
