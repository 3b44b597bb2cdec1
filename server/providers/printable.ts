import { withoutPersonalData } from '../base/personal-data.ts'

/** Bounds the work of redacting: text beyond this is cut off in any case. */
const LOOKED_AT = 20_000

/**
 * Makes text of other systems safe for one log line: without control characters, personal data and tokens, and bounded.
 */
export function printable(text: unknown, most = 200): string {
  const given = typeof text === 'string' ? text : (JSON.stringify(text) ?? String(text))
  // Redacts before truncating or replacing characters, since part of an address is personal data, too.
  const plain = withoutPersonalData(given.slice(0, LOOKED_AT)).replaceAll(/[^\x20-\x7e]/g, '?')
  return plain.length <= most ? plain : `${plain.slice(0, most)}…`
}
