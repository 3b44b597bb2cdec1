import { extname } from 'node:path'

/**
 * How our files end: `.ts` in the repository, which Node runs as they are, and `.js` in the package, since Node strips no
 * types below node_modules. For files that are named by a URL, which the compiler does not rewrite.
 */
export const CODE_EXTENSION = extname(import.meta.filename)
