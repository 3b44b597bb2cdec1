import { WebSocket } from 'ws'
import { type Server, waitUntil } from '../server.ts'

/** What a process needs to be started with for `liveHeapBytes`: its debugger takes any port. */
export const HEAP_OPTIONS = '--inspect-port=0'

/**
 * What a process keeps on its heap once its garbage is collected: what grows here, leaks. Node opens its debugger at
 * SIGUSR1.
 */
export async function liveHeapBytes(server: Pick<Server, 'pid' | 'output'>): Promise<number> {
  process.kill(server.pid, 'SIGUSR1')
  const address = () => /Debugger listening on (ws:\S+)/.exec(server.output)?.[1]
  await waitUntil(
    () => address() !== undefined,
    'the debugger to listen',
    () => server.output,
  )
  const socket = new WebSocket(address() ?? '')
  await new Promise((opened, failed) => socket.once('open', opened).once('error', failed))
  try {
    await ask(socket, 1, 'HeapProfiler.collectGarbage')
    return (await ask(socket, 2, 'Runtime.getHeapUsage')).usedSize ?? 0
  } finally {
    socket.terminate()
  }
}

function ask(socket: WebSocket, id: number, method: string): Promise<{ usedSize?: number }> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('message', (data: Buffer) => {
      const said = JSON.parse(data.toString()) as { id?: number; result?: { usedSize?: number } }
      if (said.id === id) resolve(said.result ?? {})
    })
    socket.send(JSON.stringify({ id, method }))
  })
}
