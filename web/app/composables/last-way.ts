const YEAR_SECONDS = 365 * 24 * 60 * 60
/** Stands beside the ids of providers, none of which has a dot. */
export const BY_PASSWORD = '.password'

/** How somebody last chose to sign in on this device: a provider's id or `BY_PASSWORD`. A plain preference, worth no trust:
 * it only decides what stands first. */
export function useLastWay() {
  return useCookie<string | null>('porchlight-way', { maxAge: YEAR_SECONDS, sameSite: 'lax', path: '/', decode: value => value ?? null })
}
