import { readFileSync, readlinkSync } from 'node:fs'
import { OperatorError } from '../../base/operator-error.ts'

// Sockets that a supervisor opened and keeps open across restarts, so that the kernel queues connections meanwhile
// (systemd's socket activation, sd_listen_fds(3)).

export interface InheritedSocket {
  fd: number
  /** From LISTEN_FDNAMES, for messages. */
  name: string
}

interface Inherited {
  sockets: InheritedSocket[]
  meantFor: string | null
}

/** The first descriptor after standard input, output and error (SD_LISTEN_FDS_START). */
const FIRST_FD = 3
const MOST_SOCKETS = 64

/**
 * Takes the sockets that are meant for this process, and removes them from the environment of its children.
 * @param env modified in place
 * @returns `sockets`: none if there are none · `meantFor`: the process they are for, if another one: a parent, whose
 * variables were inherited
 * @throws OperatorError if their number is not one
 */
export function takeInheritedSockets(env: Record<string, string | undefined>, pid: number): Inherited {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = env
  delete env['LISTEN_PID']
  delete env['LISTEN_FDS']
  delete env['LISTEN_FDNAMES']
  if (LISTEN_FDS === undefined) return { sockets: [], meantFor: null }
  if (LISTEN_PID !== String(pid)) return { sockets: [], meantFor: LISTEN_PID ?? 'nobody' }
  const count = /^\d{1,4}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : 0
  if (count < 1 || count > MOST_SOCKETS)
    throw new OperatorError(`LISTEN_FDS is ${JSON.stringify(LISTEN_FDS)}, not the number of sockets to listen on.`, [
      `A supervisor sets it to a number from 1 to ${MOST_SOCKETS}, and LISTEN_PID to the id of the process it starts.`,
    ])
  const names = LISTEN_FDNAMES?.split(':') ?? []
  const sockets = Array.from({ length: count }, (_, at) => ({ fd: FIRST_FD + at, name: names[at] || 'unnamed' }))
  return { sockets, meantFor: null }
}

/** Explains why Node could not listen on a descriptor. */
export function unusable({ fd, name }: InheritedSocket, error: unknown): OperatorError {
  return new OperatorError(
    `Descriptor ${fd} (${name}), passed by LISTEN_FDS, is not a listening stream socket.`,
    ['Use ListenStream= and Accept=no in the socket unit, not datagrams or one connection per process.'],
    error,
  )
}

/**
 * Where an inherited unix socket is bound, which Node cannot tell.
 * @returns null if the system does not say (it is not Linux)
 */
export function pathOfDescriptor(fd: number): string | null {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1]
    // Num RefCount Protocol Flags Type St Inode Path
    // Not /proc/net, which a sandbox hides (ProcSubset=pid).
    const line = readFileSync('/proc/self/net/unix', 'utf8')
      .split('\n')
      .find(each => each.split(/\s+/)[6] === inode)
    return line === undefined ? null : line.split(/\s+/).slice(7).join(' ') || null
  } catch {
    return null
  }
}
