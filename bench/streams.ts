import { readFileSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Figure } from './figure.ts'
import { startRelay } from './relay.ts'

const STREAMS = 2000
/** Opened at once, so that no backlog of connections overflows. */
const AT_ONCE = 100

/** What two thousand event streams that say nothing keep in memory while they are relayed. */
export async function measureStreams(): Promise<Figure[]> {
  const { server, headers, stop } = await startRelay()
  const path = '/api/orders/events'
  // Whatever the first one loads belongs to the relay, not to its streams.
  ;(await openStream(server.port, path, headers)).destroy()
  await sleep(2000)
  const before = residentMegabytes(server.pid)
  const sockets: net.Socket[] = []
  while (sockets.length < STREAMS)
    sockets.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => openStream(server.port, path, headers)))))
  await sleep(2000)
  const measured = residentMegabytes(server.pid) - before
  const open = sockets.filter(socket => !socket.destroyed).length
  for (const socket of sockets) socket.destroy()
  await stop()
  return [
    {
      what: '2,000 idle event streams',
      measured,
      unit: 'MB above idle',
      target: '≤ 100',
      met: open === STREAMS && measured <= 100,
      detail: `${open} open; ${((measured * 1024) / STREAMS).toFixed(0)} KB each, idle ${Math.round(before)} MB`,
    },
  ]
}

/**
 * @returns once the first event has come through
 * @throws Error when something else came
 */
function openStream(port: number, path: string, headers: Record<string, string>): Promise<net.Socket> {
  return new Promise((done, fail) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.write(
      `GET ${path} HTTP/1.1\r\n${Object.entries({ ...headers, Accept: 'text/event-stream' })
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`,
    )
    let received = ''
    socket.on('data', chunk => {
      received += chunk.toString('latin1')
      if (received.includes(': open\n\n')) done(socket)
      else if (!received.startsWith('HTTP/1.1 200'.slice(0, received.length)))
        fail(new Error(`a stream did not open: ${received.slice(0, 200)}`))
    })
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('a stream was closed before it opened')))
  })
}

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
