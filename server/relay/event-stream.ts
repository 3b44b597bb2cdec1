/**
 * Whether an answer is a stream of events, which must reach its reader one by one.
 * @param contentType as whoever made the answer spells it
 */
export function isEventStream(contentType: string): boolean {
  return /^\s*text\/event-stream\s*(?:;|$)/i.test(contentType)
}
