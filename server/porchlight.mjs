#!/usr/bin/env node
import module from 'node:module'
import { join } from 'node:path'

// The one file that is not TypeScript: an older Node can still read it, and say what is the matter.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`Porchlight runs on Node 24, and this is Node ${process.versions.node}.\nnpm ci brings the right one: npm start, and for commands npm run porchlight -- COMMAND\n`)
  process.exit(1)
}
// Switches on the cache in which compiled code, types stripped, is kept for the next start, before anything has to be
// stripped. A start in half the time, with 10 MB less.
module.enableCompileCache(join(import.meta.dirname, '..', '.cache', 'compiled'))
await import('./cli.ts')
