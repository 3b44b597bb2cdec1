import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'

/** The cores that this process was started with. */
const CORES = affinity()
const PINS = CORES.length >= 2

function affinity(): number[] {
  const { status, stdout } = spawnSync('taskset', ['-pc', String(process.pid)], { encoding: 'utf8' })
  const list = status === 0 ? (/: ([\d,-]+)/.exec(stdout)?.[1] ?? '') : ''
  return list
    .split(',')
    .filter(part => part !== '')
    .flatMap(part => {
      const [first = 0, last = first] = part.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })
}

/** Servers are started by this process and inherit where it may run: on one core, which nothing else of ours uses. */
export function pinServers(): void {
  if (PINS) moveTo(String(CORES[0]))
}

/** For what should have the whole machine. */
export function unpinServers(): void {
  if (PINS) moveTo(CORES.join(','))
}

function moveTo(cores: string): void {
  execFileSync('taskset', ['-apc', cores, String(process.pid)])
}

/** The command that runs another one on the core of load generators and of the API behind relays. */
export function onLoadCore(command: string, args: string[]): [string, string[]] {
  return PINS ? ['taskset', ['-c', String(CORES[1]), command, ...args]] : [command, args]
}

export interface Machine {
  at: string
  commit: string
  node: string
  cpu: string
  cores: number
  memoryGb: number
  kernel: string
  pinned: string
  versions: Record<string, string>
}

export function describeMachine(at: Date): Machine {
  return {
    at: at.toISOString(),
    commit: said('git', ['rev-parse', '--short', 'HEAD']),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    pinned: PINS
      ? `servers on core ${CORES[0]}, load on core ${CORES[1]}`
      : 'not pinned: taskset is missing, or there is one core',
    versions: { ...packages(), nginx: said('nginx', ['-v']), apache: said('apache2', ['-v']) },
  }
}

/** What a command says first, or that it is not there. */
function said(command: string, args: string[]): string {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return error === undefined ? (`${stdout}${stderr}`.trim().split('\n')[0] ?? '') : 'missing'
}

function packages(): Record<string, string> {
  const file = join(import.meta.dirname, '../peers/package.json')
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { dependencies: Record<string, string> }).dependencies
    : {}
}
