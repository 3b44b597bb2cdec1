#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// The one file that is not TypeScript: it switches on the cache in which compiled code, types stripped, is kept for the
// next start, before anything has to be stripped. A start in half the time, with 10 MB less.
enableCompileCache(join(import.meta.dirname, '..', '.cache', 'compiled'))
await import('./cli.ts')
