/** Text of others, fit for one line of a log: without control characters and bounded. */
export function printable(text: unknown, most = 200): string {
  const plain = (typeof text === 'string' ? text : JSON.stringify(text) ?? String(text)).replaceAll(/[^\x20-\x7e]/g, '?')
  return plain.length <= most ? plain : `${plain.slice(0, most)}…`
}
