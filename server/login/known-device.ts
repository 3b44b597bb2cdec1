import { DAY, type UnixMs } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { Keyring } from '../keys/types.ts'
import type { Account } from '../accounts/account.ts'

/** A browser that this person has signed in with before: strangers who guess at their password cannot lock it out. */
export interface Device {
  id: string
  userId: string
  at: UnixMs
}

/** The longest that a cookie may live (CK-6). */
export const DEVICE_LIFE_MS = 400 * DAY

/**
 * @param sealed the device cookie's value, or null
 * @returns null for anything that is not ours, altered, or older than its life: never throws
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
 * A cookie value for this browser, which has just signed this person in. It keeps the device's id.
 * @param passwordSetAt a clock that was ahead may have set it in what is the future again; that does not make the
 * device older
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
 * Whether the device counts as this person's. One from before the last change of password does not: it may be what the
 * password was changed for.
 */
export function isKnown(device: Device | null, account: Pick<Account, 'id' | 'passwordChangedAt'> | null): boolean {
  return (
    device !== null && account !== null && device.userId === account.id && device.at >= (account.passwordChangedAt ?? 0)
  )
}
