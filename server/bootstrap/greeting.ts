import type { OperationServices } from '../ops/operation-services.ts'

/**
 * Prints where the server is and what to do next. A setup link is only shown on a terminal: logs are kept and copied,
 * and the link grants access.
 */
export async function greet({
  config,
  log,
  people,
  listening,
}: Pick<OperationServices, 'config' | 'log' | 'people' | 'listening'>): Promise<void> {
  const { brand, publicUrl, dataDir, hosts, secureCookies, loopback } = config
  const nobodyYet = await people.accounts.needsSetup()
  if (!process.stdout.isTTY) {
    log.info(
      { event: 'server_listening', publicUrl, listening, dataDir, setUpNeeded: nobodyYet },
      nobodyYet ? 'listening; no accounts yet: run `porchlight setup` for the set-up link' : 'listening',
    )
    if (!secureCookies && !loopback)
      log.warn({ event: 'public_plain_http', publicUrl }, 'plain http: anyone on the network can take over sessions')
    return
  }
  const lines = ['', `  ${brand.name} is on.`, '', `  Open      ${publicUrl}`]
  // The public URL is then somebody else's port.
  if (hosts.length === 0) lines.push(`  Socket    ${listening.join(', ')}`)
  lines.push(`  Data      ${dataDir}`)
  if (nobodyYet) {
    const { href } = await people.registration.makeSetupLink()
    lines.push('', '  No accounts yet. Create the administrator within an hour:', `  ${href}`)
  }
  if (!secureCookies) {
    lines.push(
      '',
      loopback
        ? '  Plain http on this machine, so cookies are not Secure. Use https anywhere else.'
        : '  Warning: plain http. Anyone on the network can read passwords and take over sessions. Use https.',
    )
  }
  process.stdout.write(`${lines.join('\n')}\n\n  Press Ctrl-C to stop.\n\n`)
}
