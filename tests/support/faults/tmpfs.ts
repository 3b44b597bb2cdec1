import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../server.ts'

/** A small disk of its own. */
export interface SmallDisk {
  folder: string
  /** Leaves no byte free. */
  fill(): void
  empty(): void
  /** Only while nothing is open for writing there. */
  readOnly(on: boolean): void
  /** Whatever still uses it goes on until it ends. */
  unmount(): void
}

export function mountSmallDisk(megabytes: number): SmallDisk {
  const folder = temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', folder])
  const filler = join(folder, 'filler')
  return {
    folder,
    fill() {
      const file = openSync(filler, 'a')
      try {
        for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) while (fits(file, size));
      } finally {
        closeSync(file)
      }
    },
    empty: () => rmSync(filler, { force: true }),
    readOnly: on => void execFileSync('mount', ['-o', `remount,${on ? 'ro' : 'rw'}`, folder]),
    unmount: () => void execFileSync('umount', ['-l', folder]),
  }
}

function fits(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size, 1)) === size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}
