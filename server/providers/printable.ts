import { withoutPersonalData } from '../base/personal-data.ts'

/** Bounds the work of redacting: text beyond this is cut off in any case. */
const MAX_INPUT_LENGTH = 20_000

/**
 * Makes text of other systems safe for one log line: without control characters, personal data and tokens, and bounded.
 */
export function printable(text: unknown, max = 200): string {
  const full = typeof text === 'string' ? text : (JSON.stringify(text) ?? String(text))
  // Redacts before truncating or replacing characters, since part of an address is personal data, too.
  const plain = withoutPersonalData(full.slice(0, MAX_INPUT_LENGTH)).replaceAll(/[^\x20-\x7e]/g, '?')
  return plain.length <= max ? plain : `${plain.slice(0, max)}…`
}
