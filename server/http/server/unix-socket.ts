import { once } from 'node:events'
import { type BigIntStats, lstatSync, renameSync, rmSync, statSync } from 'node:fs'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { SECOND } from '../../base/clock.ts'
import { OperatorError } from '../../base/operator-error.ts'
import type { UnixSocket } from '../../config/types.ts'

/** How long a program behind an existing socket may take to accept. */
const ANSWER_MS = 2 * SECOND

/**
 * Listens on a unix socket, which gets its permissions before anybody can connect. What a killed server left is
 * replaced; Node removes the socket when the server closes.
 * @throws OperatorError if the path cannot be used
 */
export async function listenOnPath(server: Server, { path, mode }: UnixSocket): Promise<void> {
  await makeWay(path)
  // The socket is bound before `listen` returns.
  const umask = process.umask(0o777 & ~mode)
  const listening = once(server, 'listening')
  try {
    server.listen({ path })
  } finally {
    process.umask(umask)
  }
  await listening.catch((error: unknown) => {
    throw explained(path, error)
  })
}

/** Removes a socket that nobody listens on any more. */
async function makeWay(path: string): Promise<void> {
  const folder = statOf(dirname(path), statSync)
  if (folder === null)
    throw new OperatorError(`The folder of the socket, ${dirname(path)}, does not exist.`, [
      "Create it for this user, with the proxy's group: install -d -o USER -g GROUP -m 2750 FOLDER (systemd: RuntimeDirectory=).",
    ])
  const found = statOf(path, lstatSync)
  if (found === null) return
  if (!found.isSocket())
    throw new OperatorError(
      `${path} is ${found.isSymbolicLink() ? 'a symbolic link' : 'not a socket'}, so it is left alone.`,
      ['Move it away, or choose another path (PORCHLIGHT_SOCKET).'],
    )
  if (await isAnswered(path)) throw taken(path)
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    if (isSame(lstatSync(aside, { bigint: true }), found)) return rmSync(aside)
    // Somebody else replaced it at the same time, and listens there now.
    renameSync(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw explained(path, error)
  }
  throw taken(path)
}

/** The number alone does not tell: a removed file's is given to the next one. */
function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.ino === other.ino && one.mtimeNs === other.mtimeNs
}

function statOf(path: string, stat: typeof lstatSync): BigIntStats | null {
  try {
    return stat(path, { bigint: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw explained(path, error)
  }
}

/** Anything but a refusal counts as an answer, such as a full queue or a stopped process. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = connect(path)
    const end = (answer: boolean) => {
      probe.destroy()
      resolve(answer)
    }
    probe.setTimeout(ANSWER_MS, () => end(true))
    probe.once('connect', () => end(true))
    probe.once('error', ({ code }: NodeJS.ErrnoException) => end(code !== 'ECONNREFUSED' && code !== 'ENOENT'))
  })
}

const taken = (path: string) =>
  new OperatorError(`Another program is listening on the socket ${path}.`, [
    'Stop it, or choose another path (PORCHLIGHT_SOCKET).',
  ])

function explained(path: string, error: unknown): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return taken(path)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new OperatorError(
        `This user may not create the socket ${path}.`,
        ['Its folder must be writable for the user who runs this.'],
        error,
      )
    case 'ENOTDIR':
    case 'ENOENT':
      return new OperatorError(
        `The folder of the socket, ${dirname(path)}, is not a folder.`,
        ['Choose another path (PORCHLIGHT_SOCKET).'],
        error,
      )
    default:
      return error
  }
}
