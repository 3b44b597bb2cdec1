import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Problem } from '../base/problem.ts'
import { Refusal } from '../base/refusal.ts'
import type { ProblemBody } from '../contract/problems.ts'
import { type CommandInput, type CommandName, type CommandOutput, isCommand, runCommand } from './commands.ts'
import type { Works } from './works.ts'

export const controlSocket = (dataDir: string): string => join(dataDir, 'control.sock')

/** What goes over the socket. Whoever may open it may read the database too, so nothing is hidden from them. */
type Answer = { output: unknown } | { problem: ProblemBody } | { refusal: string[] }

const MAX_BODY_BYTES = 1024 * 1024
/** Longer paths do not fit the system's socket address (sun_path, unix(7)). */
const MAX_PATH_BYTES = 103

/** Answers operators' commands on a socket that only the owner can open. A socket that a killed server left behind is
 * replaced: whoever calls this holds the data folder's lock.
 * @returns a function that closes it */
export async function startControl(works: Works): Promise<() => Promise<void>> {
  const path = controlSocket(works.config.dataDir)
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    works.log.warn({ path }, 'the path of the data folder is too long for a control socket: stop the server before you use other commands')
    return async () => {}
  }
  rmSync(path, { force: true })
  const server = createServer((incoming, outgoing) => void respond(works, incoming, outgoing))
  await new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen(path, () => done())
  })
  chmodSync(path, 0o600)
  return () => new Promise((done) => {
    server.close(() => done())
    server.closeIdleConnections()
  })
}

async function respond(works: Works, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const answer = await perform(works, incoming)
  outgoing.writeHead(200, { 'Content-Type': 'application/json', 'Connection': 'close' }).end(JSON.stringify(answer))
}

async function perform(works: Works, incoming: IncomingMessage): Promise<Answer> {
  try {
    const name = (incoming.url ?? '').slice(1)
    if (incoming.method !== 'POST' || !isCommand(name)) throw new Refusal(`The running server does not know the command ${name}.`, ['It is another version, most likely: restart it.'])
    return { output: await runCommand(works, name, JSON.parse(await bodyOf(incoming))) ?? null }
  }
  catch (error) {
    if (error instanceof Refusal) return { refusal: error.lines }
    if (!(error instanceof Problem)) works.log.error({ error }, 'a command on the control socket failed')
    return { problem: (error instanceof Problem ? error : new Problem('internal', {}, error)).body('') }
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new Problem('body_too_large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Asks the running server to do it. @returns null when none answers @throws Problem, Refusal as the command did */
export async function askServer<Name extends CommandName>(dataDir: string, name: Name, input: CommandInput<Name>): Promise<{ output: CommandOutput<Name> } | null> {
  const text = await exchange(controlSocket(dataDir), name, JSON.stringify(input))
  if (text === null) return null
  const answer = JSON.parse(text) as Answer
  if ('refusal' in answer) throw new Refusal(answer.refusal[0] ?? '', answer.refusal.slice(1))
  if ('problem' in answer) {
    const { code, detail, fields, retryAfter, minLength } = answer.problem
    throw new Problem(code, { ...(detail && { detail }), ...(fields && { fields }), ...(retryAfter && { retryAfter }), ...(minLength && { minLength }) })
  }
  return { output: answer.output as CommandOutput<Name> }
}

function exchange(socketPath: string, name: string, body: string): Promise<string | null> {
  if (Buffer.byteLength(socketPath) > MAX_PATH_BYTES) return Promise.resolve(null)
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: `/${name}`, method: 'POST', headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) } }, (response) => {
      bodyOf(response).then(resolve, reject)
    })
    call.on('error', (error: NodeJS.ErrnoException) => {
      // Nobody listens: no server was ever here, it was stopped, or it was killed.
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ENOTDIR') resolve(null)
      else if (error.code === 'EACCES' || error.code === 'EPERM') reject(new Refusal(`The running server's control socket ${socketPath} belongs to another user.`, ['Run this as the user who runs the server.'], error))
      else reject(new Refusal('The running server broke off without an answer.', ['Look at its log.'], error))
    })
    call.end(body)
  })
}
