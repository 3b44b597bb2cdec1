import { enableCompileCache, registerHooks } from 'node:module'
import { join } from 'node:path'

// Imported first, for its effect, by whatever starts the program; all that follows is imported after it, with `import()`.
// Together: a start in a third of the time, with half the memory.

// Code compiled and types stripped once are kept for the next start. A folder that cannot be written is no error.
enableCompileCache(join(import.meta.dirname, '..', '..', '.cache', 'compiled'))

/** For every module of a package, Node asks which format the package declares, and is handed its whole package.json.
 * Drizzle's is 180 kB and drizzle has a hundred modules: its own modules are ES modules, no need to ask. */
const ASKED_TOO_OFTEN = '/node_modules/drizzle-orm/'

registerHooks({
  resolve(specifier, context, next) {
    const { parentURL } = context
    if (parentURL !== undefined && specifier.startsWith('.') && parentURL.includes(ASKED_TOO_OFTEN)) {
      return { url: new URL(specifier, parentURL).href, format: parentURL.endsWith('.cjs') ? 'commonjs' : 'module', shortCircuit: true }
    }
    return next(specifier, context)
  },
})
