// Preloaded into a server: how long its event loop was held, written to a file whenever it is asked by SIGUSR2. A timer
// that is due every millisecond is late by as long as something else ran, or the process itself had to wait for a core:
// the kernel says how much of it was that.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { env, pid } from 'node:process'
import type { Hold } from '../full/loop-delay.ts'

const EVERY_MS = 1
const file = env['BENCH_LOOP_DELAY_FILE'] ?? ''
/** Nanoseconds that the main thread ran and that it waited for a core, and a count. */
const waitedMs = () => Number(readFileSync(`/proc/self/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6

const NONE: Hold = { heldMs: 0, waitedMs: 0 }
let longest = NONE
let before = { at: performance.now(), waited: waitedMs() }
setInterval(() => {
  const at = performance.now()
  const waited = waitedMs()
  const heldMs = at - before.at - EVERY_MS
  if (heldMs > longest.heldMs) longest = { heldMs, waitedMs: waited - before.waited }
  before = { at, waited }
}, EVERY_MS).unref()

process.on('SIGUSR2', () => {
  writeFileSync(`${file}.new`, JSON.stringify(longest))
  renameSync(`${file}.new`, file)
  longest = NONE
})
