// As in the contract, whose schemas stay out of the browser's bundle; a test holds them together.

/** UTF-16 code units, as `maxlength` counts them. */
export const MAX_NOTE = 2000
export const MAX_NOTES = 500
