import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder, waitUntil } from '../server.ts'

/** A tracer on a running process. */
export interface Tracer {
  /**
   * Lets go of the process, which goes on.
   * @returns the trace, a line for each system call, with times
   */
  detach(): Promise<string>
  /** What was written so far. */
  trace(): string
}

/**
 * Attaches to every thread of a process and waits until it has.
 * @param options of strace: what to trace, what to inject
 */
export async function attach(pid: number, options: string[]): Promise<Tracer> {
  const file = join(temporaryFolder(), 'trace')
  const child = spawn('strace', ['-f', '-p', String(pid), '-o', file, ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<void>(done => child.on('exit', () => done()))
  await attached(child)
  const trace = () => readFileSync(file, 'utf8')
  return {
    trace,
    async detach() {
      child.kill('SIGINT')
      await ended
      return trace()
    },
  }
}

async function attached(child: ChildProcess): Promise<void> {
  let said = ''
  child.stderr?.on('data', chunk => (said += String(chunk)))
  // Says so once it holds the process; only then does it hold its threads, and only then can anything be injected.
  await waitUntil(() => {
    if (child.exitCode !== null) throw new Error(`strace ended: ${said}`)
    return said.includes('attached')
  }, 'strace to attach')
}

/** Options by which every call of these kinds on these files fails, or kills the process. */
export function inject(calls: string[], files: string[], fault: string): string[] {
  return [
    '-e',
    `trace=${calls.join(',')}`,
    ...files.flatMap(file => ['-P', file]),
    '-e',
    `inject=${calls.join(',')}:${fault}`,
  ]
}
