/**
 * Whether a response is an event stream, whose events must be delivered one by one.
 * @param contentType as the sender spells it
 */
export function isEventStream(contentType: string): boolean {
  return /^\s*text\/event-stream\s*(?:;|$)/i.test(contentType)
}
