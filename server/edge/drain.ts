import type { Server } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { cutUpgrades } from './upgrades.ts'

const LOOK_EVERY_MS = 50

/** Goes on for a while as a server that says it is not ready and asks with every answer for the connection to be closed: what is on
 * its way over a connection that looks idle would else be cut unread. Returns at once when nobody is connected. */
export async function giveNotice(servers: readonly Server[], forMs: number): Promise<void> {
  for (let waited = 0; waited < forMs && await isConnected(servers); waited += LOOK_EVERY_MS) await wait(LOOK_EVERY_MS)
}

async function isConnected(servers: readonly Server[]): Promise<boolean> {
  const counts = await Promise.all(servers.map(server => new Promise<number>((resolve) => {
    server.getConnections((error, count) => resolve(error === null ? count : 0))
  })))
  return counts.some(count => count > 0)
}

/** Stops accepting and waits for the requests under way; what takes longer than `withinMs` is cut.
 * @returns whether everything finished in time */
export async function drain(servers: readonly Server[], withinMs: number): Promise<boolean> {
  const closed = Promise.all(servers.map(server => new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, withinMs, 'late')
  })
  const outcome = await Promise.race([closed, late])
  clearTimeout(timer)
  if (outcome !== 'late') return true
  for (const server of servers) {
    server.closeAllConnections()
    cutUpgrades(server)
  }
  await closed
  return false
}
