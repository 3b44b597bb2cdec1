import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { Problem } from '../base/problem.ts'
import { OperatorError } from '../base/operator-error.ts'
import type { ProblemBody } from '../contract/problem-codes.ts'
import { plantedSocket } from './permissions.ts'
import type { CommandInput, CommandName, CommandOutput } from './commands.ts'

// The command line's side of the control socket. Imports no room, because most commands only forward a request.

export const controlSocket = (dataDir: string): string => join(dataDir, 'control.sock')

/** A response on the socket. Nothing is hidden: whoever can open it can also read the database. */
export type ControlAnswer = { output: unknown } | { problem: ProblemBody } | { refusal: string[] }

const MAX_BODY_BYTES = 1024 * 1024
/** Longer paths do not fit the system's socket address (sun_path, unix(7)). */
export const MAX_PATH_BYTES = 103

/**
 * Sends a command to the running server.
 * @param timeoutMs how long to wait, for those that cannot wait until the command is done; null: without limit
 * @returns null if there is none
 * @throws Problem, OperatorError as the command did
 */
export async function askServer<Name extends CommandName>(
  dataDir: string,
  name: Name,
  input: CommandInput<Name>,
  timeoutMs: number | null = null,
): Promise<{ output: CommandOutput<Name> } | null> {
  const planted = plantedSocket(dataDir, controlSocket(dataDir))
  if (planted !== null)
    throw new OperatorError(`${planted.what}, and may have put the control socket there.`, [planted.mend])
  const text = await exchange(controlSocket(dataDir), name, JSON.stringify(input), timeoutMs)
  if (text === null) return null
  const answer = JSON.parse(text) as ControlAnswer
  if ('refusal' in answer) throw new OperatorError(answer.refusal[0] ?? '', answer.refusal.slice(1))
  if ('problem' in answer) {
    const { code, detail, fields, retryAfter, minLength } = answer.problem
    throw new Problem(code, {
      ...(detail && { detail }),
      ...(fields && { fields }),
      ...(retryAfter && { retryAfter }),
      ...(minLength && { minLength }),
    })
  }
  return { output: answer.output as CommandOutput<Name> }
}

function exchange(socketPath: string, name: string, body: string, timeoutMs: number | null): Promise<string | null> {
  if (Buffer.byteLength(socketPath) > MAX_PATH_BYTES) return Promise.resolve(null)
  return new Promise((resolve, reject) => {
    const call = request(
      {
        socketPath,
        path: `/${name}`,
        method: 'POST',
        ...(timeoutMs !== null && { signal: AbortSignal.timeout(timeoutMs) }),
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      },
      response => {
        bodyOf(response).then(resolve, reject)
      },
    )
    call.on('error', (error: NodeJS.ErrnoException) => {
      // No server is listening: none has run here, or it was stopped or killed.
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ENOTDIR') resolve(null)
      else if (error.code === 'EACCES' || error.code === 'EPERM')
        reject(
          new OperatorError(
            `The running server's control socket ${socketPath} belongs to another user.`,
            ['Run this as the user who runs the server.'],
            error,
          ),
        )
      else
        reject(
          new OperatorError('The running server closed the connection without an answer.', ['Check its log.'], error),
        )
    })
    call.end(body)
  })
}

/** @throws Problem `body_too_large` */
export async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new Problem('body_too_large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
