// Copied from the contract, whose schemas stay out of the browser's bundle; a test compares the two.

/** UTF-16 code units, as `maxlength` counts them. */
export const MAX_NOTE = 2000
export const MAX_NOTES = 500
