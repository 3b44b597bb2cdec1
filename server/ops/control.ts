import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Problem } from '../base/problem.ts'
import { OperatorError } from '../base/operator-error.ts'
import { isCommand, runCommand } from './commands.ts'
import { bodyOf, type ControlAnswer, controlSocket, MAX_PATH_BYTES } from './control-client.ts'
import type { OperationServices } from './operation-services.ts'

/**
 * Serves operators' commands on a socket that only the owner can open. Replaces the socket of a killed server, which is
 * safe because the caller holds the data folder's lock.
 * @returns a function that closes it
 */
export async function startControl(services: OperationServices): Promise<() => Promise<void>> {
  const path = controlSocket(services.config.dataDir)
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    services.log.warn(
      { event: 'control_socket_unavailable', path },
      'the path of the data folder is too long for a control socket; stop the server before running other commands',
    )
    return async () => {}
  }
  rmSync(path, { force: true })
  const server = createServer((incoming, outgoing) => void respond(services, incoming, outgoing))
  // The socket is bound before `listen` returns, so that the umask keeps it private even in the instant before chmod.
  const umask = process.umask(0o177)
  const listening = new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen(path, () => done())
  })
  process.umask(umask)
  await listening
  chmodSync(path, 0o600)
  return () =>
    new Promise(done => {
      server.close(() => done())
      server.closeIdleConnections()
    })
}

async function respond(
  services: OperationServices,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const answer = await perform(services, incoming)
  outgoing.writeHead(200, { 'Content-Type': 'application/json', Connection: 'close' }).end(JSON.stringify(answer))
}

async function perform(services: OperationServices, incoming: IncomingMessage): Promise<ControlAnswer> {
  try {
    const name = (incoming.url ?? '').slice(1)
    if (incoming.method !== 'POST' || !isCommand(name))
      throw new OperatorError(`The running server does not know the command ${name}.`, [
        'It is probably another version. Restart it.',
      ])
    return { output: (await runCommand(services, name, JSON.parse(await bodyOf(incoming)))) ?? null }
  } catch (error) {
    if (error instanceof OperatorError) return { refusal: error.lines }
    if (!(error instanceof Problem))
      services.log.error({ event: 'control_command_failed', error }, 'a command on the control socket failed')
    return { problem: (error instanceof Problem ? error : new Problem('internal', {}, error)).body('') }
  }
}
