import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Figure } from './figure.ts'
import { median } from './load.ts'

const PROCESSES = 5

/** How long judging new passwords holds up everybody else, in fresh processes: each loads the lists. */
export async function measurePasswordCheck(): Promise<Figure[]> {
  const longest: number[] = []
  for (let n = 0; n < PROCESSES; n++) {
    const program = join(import.meta.dirname, 'processes/password-check.ts')
    const { stdout } = await promisify(execFile)(process.execPath, [program])
    longest.push(JSON.parse(stdout) as number)
  }
  const measured = median(longest)
  return [
    {
      what: 'judging new passwords',
      measured,
      unit: 'ms of processor time in the longest turn',
      target: '≤ 15',
      met: measured <= 15,
      detail: `${Math.min(...longest).toFixed(1)} to ${Math.max(...longest).toFixed(1)} ms in ${PROCESSES} processes`,
    },
  ]
}
