import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Imported first, for its effect, by whatever starts the program; what follows is imported after it, with `import()`.
// Code compiled and types stripped once are kept for the next start: half the time. A folder that cannot be written is no error.
enableCompileCache(join(import.meta.dirname, '..', '..', '.cache', 'compiled'))
