import { describeDevice } from '../describe-device.ts'

/** Password managers by the id that they give their passkeys (WebAuthn L3 §6.5.1, AAGUID), as their owners call them. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['fbfc3007-154e-4ecc-8c0b-6e020557d7bd', 'Apple Passwords'],
  ['dd4ec289-e01d-41c9-bb89-70fa845d4bf2', 'Apple Passwords'],
  ['ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4', 'Google Password Manager'],
  ['08987058-cadc-4b81-b6e1-30de50dcbe96', 'Windows Hello'],
  ['9ddd1817-af5a-4672-a2b9-3e3dd95000a9', 'Windows Hello'],
  ['6028b017-b1d4-4c02-b4b3-afcdafc96bb2', 'Windows Hello'],
  ['bada5566-a7aa-401f-bd96-45619a55120d', '1Password'],
  ['d548826e-79b4-db40-a3d8-11116f7e8349', 'Bitwarden'],
  ['531126d6-e717-415c-9320-3d9aa6981239', 'Dashlane'],
])

/**
 * What a new passkey is called until its owner says otherwise. The id is whatever the browser reports: it decides
 * nothing else.
 */
export function nameOfPasskey(aaguid: string, userAgent: string): string {
  const known = NAMES.get(aaguid)
  if (known !== undefined) return known
  const { browser, system } = describeDevice(userAgent)
  return [browser?.replace(/ \d+$/, '') ?? null, system].filter(part => part !== null).join(' · ') || 'Passkey'
}
