import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Problem } from '../base/problem.ts'
import { Refusal } from '../base/operator-error.ts'
import { isCommand, runCommand } from './commands.ts'
import { bodyOf, type ControlAnswer, controlSocket, MAX_PATH_BYTES } from './control-client.ts'
import type { Works } from './services.ts'

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
  // It is bound before `listen` returns: nobody else can open it, not even for the instant before chmod.
  const umask = process.umask(0o177)
  const listening = new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen(path, () => done())
  })
  process.umask(umask)
  await listening
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

async function perform(works: Works, incoming: IncomingMessage): Promise<ControlAnswer> {
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
