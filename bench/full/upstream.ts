/** A body of this size counts as a large one. */
export const BIG_BYTES = 1024 * 1024
/** Each open stream gets an event this often. */
export const EVENT_EVERY_MS = 5
