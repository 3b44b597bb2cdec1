import { withoutPersonalData } from '../base/personal-data.ts'

/** Redacting takes time: what is beyond this would be cut in any case. */
const LOOKED_AT = 20_000

/** Text of others, fit for one line of a log: without control characters, personal data and tokens, and bounded. */
export function printable(text: unknown, most = 200): string {
  const given = typeof text === 'string' ? text : (JSON.stringify(text) ?? String(text))
  // Before it is cut or made ASCII: half an address is one, too.
  const plain = withoutPersonalData(given.slice(0, LOOKED_AT)).replaceAll(/[^\x20-\x7e]/g, '?')
  return plain.length <= most ? plain : `${plain.slice(0, most)}…`
}
