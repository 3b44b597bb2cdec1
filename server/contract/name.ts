/** The product's name in its two spellings. Cookies, files, metrics and pages derive theirs from these. */
export const NAME = 'porchlight'
export const DISPLAY_NAME = 'Porchlight'
