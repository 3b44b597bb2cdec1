/** What relative dates are relative to: the server's time at first, so that the browser renders the same text. */
export function useNow() {
  return { now: useState('now', () => Date.now()) }
}
