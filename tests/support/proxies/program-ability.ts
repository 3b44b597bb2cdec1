import { spawnSync } from 'node:child_process'
import type { Ability } from '../faults/machine.ts'

/** A program that Debian has under that name, judged by whether it can say its version. */
export function programAbility(program: string, versionFlag: string): Ability {
  return {
    what: `${program} (apt-get install ${program.split('/').at(-1)})`,
    there: spawnSync(program, [versionFlag], { stdio: 'ignore' }).status === 0,
  }
}
