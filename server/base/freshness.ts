import { MINUTE } from './clock.ts'

/** For this long after a sign-in nobody is asked again who they are. */
export const FRESH_MS = 15 * MINUTE
