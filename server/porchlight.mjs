#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'
import module from 'node:module'
import { join } from 'node:path'

// The one file that is never TypeScript: an older Node can still read it, and say what is the matter.
const isCompiled = existsSync(join(import.meta.dirname, 'cli.js'))
const { engines, dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'))
// A clone runs on the Node that npm brings; whatever can run npm may install it.
const [oldest, advice] = isCompiled
  ? [versionIn(engines.node), 'Install a newer one.']
  : [
      versionIn(dependencies.node),
      'npm ci brings the right one: npm start, and for commands npm run porchlight -- COMMAND',
    ]
if (process.versions.node.localeCompare(oldest, 'en', { numeric: true }) < 0) {
  process.stderr.write(
    `Porchlight needs Node ${oldest} or newer, and this is Node ${process.versions.node}.\n${advice}\n`,
  )
  process.exit(1)
}
if (process.argv[2] === 'start') withBoundedMemory()
// Switches on the cache in which compiled code, types stripped, is kept for the next start, before anything has to be
// stripped. A start in half the time, with 10 MB less.
module.enableCompileCache(join(import.meta.dirname, '..', '.cache', 'compiled'))
await import(isCompiled ? './cli.js' : './cli.ts')

/** @returns a range's first version, without what adds nothing: `^24.0.0` is 24 */
function versionIn(range) {
  return range.replace(/^\D+/, '').replace(/(?:\.0)+$/, '')
}

/**
 * Rendering makes much garbage at once, for which V8 would grow its young generation until the process holds 900 MB;
 * and glibc keeps a heap for each thread. Both read their bounds when a process starts, so this one starts once more in
 * its own place, with the same pid, files and terminal. Bounds that somebody set win. `gc` is for main.ts, which gives
 * back what the start used.
 */
function withBoundedMemory() {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? '']
  // A new start closes what a supervisor passed (LISTEN_FDS); its unit may set these bounds itself.
  if (process.env.LISTEN_PID === String(process.pid)) return
  const isSet = options.some(option => /semi[-_]space[-_]size/.test(option))
  // Not on Windows, nor where a parent talks to this process: that connection would not survive.
  if (isSet || process.platform === 'win32' || process.channel || typeof process.execve !== 'function') return
  const args = [
    process.execPath,
    '--max-semi-space-size=16',
    '--expose-gc',
    ...process.execArgv,
    ...process.argv.slice(1),
  ]
  process.execve(process.execPath, args, { MALLOC_ARENA_MAX: '2', ...process.env })
}
