import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Figure } from './figure.ts'
import { median } from './load.ts'

/** Renewals in a process of their own, in turn with the plainest update that is as durable. */
export async function measureRenewal(): Promise<Figure[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'processes/renewal.ts')])
  const pairs = JSON.parse(stdout) as { ours: number; bare: number }[]
  const measured = median(pairs.map(({ ours, bare }) => ours / bare))
  const micros = (side: 'ours' | 'bare') => Math.round(median(pairs.map(pair => pair[side])))
  return [
    {
      what: 'renewal, on disk',
      measured,
      unit: '× a bare durable update',
      target: '≤ 2',
      met: measured <= 2,
      detail: `${micros('ours')} µs against ${micros('bare')} µs`,
    },
  ]
}
