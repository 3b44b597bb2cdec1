// Preloaded into a server: how long its event loop was held, written to a file whenever it is asked by SIGUSR2.
// A timer that is due every millisecond is late by as long as something else ran, or the process itself had to wait for a core.
import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { env } from 'node:process'

const file = env['BENCH_LOOP_DELAY_FILE'] ?? ''
const watch = monitorEventLoopDelay({ resolution: 1 })
watch.enable()
process.on('SIGUSR2', () => {
  const heldMs = Math.max(0, watch.max / 1e6 - 1)
  watch.reset()
  writeFileSync(`${file}.new`, String(heldMs))
  renameSync(`${file}.new`, file)
})
