import { sha256 } from '../base/ids.ts'

// What failed attempts are counted under. Named here, because a new password has to clear those of its account in the
// same transaction.

/** Addresses that nobody has are counted too, and never kept readable. */
export const recentKey = (emailKey: string): string => `recent:${sha256(emailKey)}`
/** A name that somebody else judges, to the letter. */
export const exactKey = (name: string): string => `exact:${sha256(name)}`
export const deviceKey = (userId: string, deviceId: string): string => `device:${userId}:${deviceId}`
export const confirmKey = (userId: string): string => `confirm:${userId}`
/** Strangers' failures, by what they typed: an address that nobody has is locked like any other. */
export const strangersLock = (emailKey: string): string => `lock:stranger:${sha256(emailKey)}`
/** Those in browsers that the person has signed in with. */
export const knownLock = (userId: string): string => `lock:known:${userId}`
export const networkKey = (network: string): string => `network:${network}`
/** A known device is not slowed for what others do from its network. */
export const knownNetworkKey = (userId: string): string => `network:known:${userId}`
export const registerKey = (network: string): string => `register:${network}`

/** What strangers are slowed and stopped by. */
export const strangersKeys = (emailKey: string): string[] => [recentKey(emailKey), strangersLock(emailKey)]
