/** Stands beside the ids of providers, none of which has a dot. */
export const BY_PASSWORD = '.password'

const isWay = (value: string): value is string => value !== ''

/**
 * How somebody last chose to sign in on this device: a provider's id or `BY_PASSWORD`. It only decides what stands
 * first.
 */
export const useLastWay = () => usePreference('porchlight-way', isWay)
