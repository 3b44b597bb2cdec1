import type { Server } from 'node:http'
import { cutUpgrades } from './upgrades.ts'

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
