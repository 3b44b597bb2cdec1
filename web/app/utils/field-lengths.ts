/** As in the wire contract, whose schemas stay out of the browser's bundle; a test keeps the two equal. */
export const MAX_EMAIL = 254
export const MAX_NAME = 100
