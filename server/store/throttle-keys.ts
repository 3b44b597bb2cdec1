import { sha256 } from '../base/ids.ts'

// The keys that failed attempts are counted under. Defined here, because a new password has to clear those of its
// account in the same transaction.

/** Unknown addresses are counted too, and never stored in readable form. */
export const recentKey = (emailKey: string): string => `recent:${sha256(emailKey)}`
/** The exact name, for an API that checks passwords. */
export const exactKey = (name: string): string => `exact:${sha256(name)}`
export const deviceKey = (userId: string, deviceId: string): string => `device:${userId}:${deviceId}`
export const confirmKey = (userId: string): string => `confirm:${userId}`
/** Strangers' failures, by the address typed: an unknown one is locked like any other. */
export const strangersLock = (emailKey: string): string => `lock:stranger:${sha256(emailKey)}`
/** Failures in browsers that the account has signed in with. */
export const knownLock = (userId: string): string => `lock:known:${userId}`
export const networkKey = (network: string): string => `network:${network}`
/** A known device is not throttled for what others do from its network. */
export const knownNetworkKey = (userId: string): string => `network:known:${userId}`
export const forgotKey = (network: string): string => `forgot:${network}`
/** Addresses that an account, or anybody of a network, has asked to confirm. */
export const emailKeyOf = (userId: string): string => `email:${userId}`
export const emailNetworkKey = (network: string): string => `email-network:${network}`
export const registerKey = (network: string): string => `register:${network}`
/** Codes of a second factor, apart from passwords: they are only asked for after a right one. */
export const codeKey = (kind: CodeKind, userId: string): string => `code:${kind}:${userId}`
export const codeLock = (kind: CodeKind, userId: string): string => `lock:code:${kind}:${userId}`
export const codeNetworkKey = (network: string): string => `network:code:${network}`
type CodeKind = 'totp' | 'recovery'

/** The keys that throttle and lock codes of an account. */
export const codeKeys = (userId: string): string[] =>
  (['totp', 'recovery'] as const).flatMap(kind => [codeKey(kind, userId), codeLock(kind, userId)])

/** The keys that throttle and lock out strangers. */
export const strangersKeys = (emailKey: string): string[] => [recentKey(emailKey), strangersLock(emailKey)]
