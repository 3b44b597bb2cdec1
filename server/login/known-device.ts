import { DAY, type UnixMs } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { Keyring } from '../keys/types.ts'
import type { Account } from '../accounts/account.ts'

/** A browser in which this account has signed in before: strangers who guess its password cannot lock it out. */
export interface Device {
  id: string
  userId: string
  at: UnixMs
}

/** The longest lifetime of a cookie (CK-6). */
export const DEVICE_LIFE_MS = 400 * DAY

/**
 * Never throws.
 * @param sealed the device cookie's value, or null
 * @returns null for anything that is not ours, altered, or expired
 */
export async function readDevice(keyring: Keyring, sealed: string | null, now: UnixMs): Promise<Device | null> {
  if (sealed === null) return null
  const opened = await keyring.open('device', sealed)
  if (opened === null) return null
  const { id, userId, at } = opened
  if (typeof id !== 'string' || typeof userId !== 'string' || typeof at !== 'number') return null
  return now - at < DEVICE_LIFE_MS ? { id, userId, at } : null
}

/**
 * The cookie value for a browser that has just signed in. Keeps the device's id.
 * @param passwordSetAt the password may have been set in the future (by a fast clock); the device must not count as
 * older
 */
export function sealDevice(
  keyring: Keyring,
  before: Device | null,
  userId: string,
  now: UnixMs,
  passwordSetAt: UnixMs | null = null,
): string {
  const id = before?.userId === userId ? before.id : randomId()
  return keyring.seal('device', { id, userId, at: Math.max(now, passwordSetAt ?? 0) })
}

/**
 * Whether the device counts as known to the account. One from before the last password change does not, since it may be
 * the reason for that change.
 */
export function isKnown(device: Device | null, account: Pick<Account, 'id' | 'passwordChangedAt'> | null): boolean {
  return (
    device !== null && account !== null && device.userId === account.id && device.at >= (account.passwordChangedAt ?? 0)
  )
}
