import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'

/** Something that a fault needs of the machine. */
export interface Ability {
  what: string
  there: boolean
}

/**
 * A test that needs something of the machine. Where it is missing the test is skipped with a loud line; in CI it fails,
 * since a suite that quietly leaves out half of its faults proves nothing.
 */
export function testWith(...abilities: Ability[]): (title: string, run: () => Promise<void>, timeout?: number) => void {
  const missing = abilities.filter(ability => !ability.there).map(ability => ability.what)
  if (missing.length === 0) return (title, run, timeout) => test(title, run, timeout)
  const needs = `needs ${missing.join(' and ')}, which this machine does not have`
  if (process.env['CI'] !== undefined) return title => test(title, () => Promise.reject(new Error(needs)))
  return title => {
    process.stderr.write(`\n!!! NOT TESTED: ${title}: ${needs}\n`)
    test.skip(title)
  }
}

const works = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0

export const strace: Ability = {
  what: 'strace that may trace (apt-get install strace)',
  there: works('strace', '-o', '/dev/null', 'true'),
}
export const nginx: Ability = { what: 'nginx (apt-get install nginx)', there: works(nginxProgram(), '-v') }
export const mailpit: Ability = {
  what: 'mailpit (go install github.com/axllent/mailpit@v1.33.1)',
  there: works('mailpit', 'version', '--no-release-check'),
}
export const prlimit: Ability = { what: 'prlimit (util-linux)', there: works('prlimit', '--version') }
export const tmpfs: Ability = { what: 'root, to mount a tmpfs', there: canMount() }
export const faketime: Ability = { what: 'libfaketime (apt-get install faketime)', there: faketimeLibrary() !== null }

/** Debian puts it where only root's PATH looks. */
export function nginxProgram(): string {
  return existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx'
}

/** The variant for programs with threads. */
export function faketimeLibrary(): string | null {
  return globSync('/usr/lib/{*/,}faketime/libfaketimeMT.so.1')[0] ?? null
}

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'porchlight-mount-'))
  try {
    return works('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder) && works('umount', folder)
  } finally {
    rmdirSync(folder)
  }
}

/** Memory that a process holds, in bytes, and how many files and sockets it has open. */
export function usageOf(pid: number): { residentBytes: number; descriptors: number } {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return { residentBytes: Number(kilobytes) * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length }
}
