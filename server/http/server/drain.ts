import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { destroyAll, destroySilent, isConnected } from './connections.ts'

const CHECK_EVERY_MS = 50
/** How long destroyed connections may take to close. */
const CUT_MS = 1000

/**
 * Leaves new connections to whoever holds the same socket next; those that exist continue. For sockets of a supervisor:
 * a closed port of our own would refuse them.
 */
export function stopAccepting(servers: readonly Server[]): void {
  // Not the HTTP server's own method, which also closes idle connections, on which a request may be on its way.
  for (const server of servers) NetServer.prototype.close.call(server)
}

/**
 * Continues for a while as a server that reports not ready and closes connections with each response: otherwise
 * requests on their way over an idle connection would be lost. Returns at once if there are no connections.
 */
export async function giveNotice(servers: readonly Server[], forMs: number): Promise<void> {
  for (let waited = 0; waited < forMs && servers.some(isConnected); waited += CHECK_EVERY_MS) await wait(CHECK_EVERY_MS)
}

/**
 * Stops accepting and waits for requests in progress; what takes longer than `withinMs` is aborted.
 * @returns whether everything finished in time
 */
export async function drain(servers: readonly Server[], withinMs: number): Promise<boolean> {
  const closed = Promise.all(
    servers.map(
      server =>
        new Promise<void>(resolve => {
          server.close(() => resolve())
          server.closeIdleConnections()
          destroySilent(server)
        }),
    ),
  )
  if (await settlesWithin(closed, withinMs)) return true
  for (const server of servers) destroyAll(server)
  await settlesWithin(closed, CUT_MS)
  return false
}

/**
 * Waits for a promise, but not forever: nothing that hangs may keep the process alive.
 * @throws what the promise rejects with in time
 */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(resolve, ms, false)
  })
  try {
    return await Promise.race([promise.then(() => true as const), late])
  } finally {
    clearTimeout(timer)
  }
}
