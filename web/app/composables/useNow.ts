/**
 * The time that relative dates are counted from: the server's while rendering, so that the browser draws the same
 * words.
 */
export function useNow() {
  return { now: useState('now', () => Date.now()) }
}
