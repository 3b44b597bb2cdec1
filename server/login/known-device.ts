import { DAY, type UnixMs } from '../base/clock.ts'
import { isFresh } from '../base/freshness.ts'
import { randomId } from '../base/ids.ts'
import type { Keyring } from '../keys/types.ts'
import type { Account } from '../accounts/account.ts'

/** A browser in which this account has signed in before: strangers who guess its password cannot lock it out. */
export interface Device {
  id: string
  userId: string
  at: UnixMs
  /** When its owner completed a sign-in here with a second factor, and wished not to be asked again; null: never. */
  rememberedAt: UnixMs | null
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
  const { id, userId, at, rememberedAt } = opened
  if (typeof id !== 'string' || typeof userId !== 'string' || typeof at !== 'number') return null
  if (now - at >= DEVICE_LIFE_MS) return null
  return { id, userId, at, rememberedAt: typeof rememberedAt === 'number' ? rememberedAt : null }
}

/**
 * The cookie value for a browser that has just signed in. Keeps the device's id.
 * @param passwordSetAt the password may have been set in the future (by a fast clock); the device must not count as
 * older
 * @param rememberedAt now, if its owner wishes not to be asked for a second factor here again; null: as before
 */
export function sealDevice(
  keyring: Keyring,
  before: Device | null,
  userId: string,
  now: UnixMs,
  passwordSetAt: UnixMs | null = null,
  rememberedAt: UnixMs | null = null,
): string {
  const known = before?.userId === userId ? before : null
  return keyring.seal('device', {
    id: known?.id ?? randomId(),
    userId,
    at: Math.max(now, passwordSetAt ?? 0),
    rememberedAt: rememberedAt ?? known?.rememberedAt ?? null,
  })
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

/**
 * Whether its owner need not be asked for a second factor: for a while after they said so, unless a factor or the
 * password has changed since.
 * @param forMs 0: never
 */
export function isRemembered(
  device: Device | null,
  account: Pick<Account, 'id' | 'passwordChangedAt' | 'factorsChangedAt'>,
  forMs: number,
  now: UnixMs,
): boolean {
  const since = device?.rememberedAt ?? null
  if (since === null || !isKnown(device, account)) return false
  return (
    isFresh(since, forMs, now) &&
    forMs > 0 &&
    since > Math.max(account.factorsChangedAt ?? 0, account.passwordChangedAt ?? 0)
  )
}
