import { DISPLAY_NAME } from '../contract/name.ts'
import type { OperationServices } from '../ops/services.ts'

/** Tells whoever started the server where it is and what to do next. A set-up link is shown on a terminal only: a log
 * is
 * kept and copied, and a link is a key. */
export async function greet({
  config,
  log,
  people,
}: Pick<OperationServices, 'config' | 'log' | 'people'>): Promise<void> {
  const { publicUrl, dataDir, hosts, port, secureCookies, loopback } = config
  const nobodyYet = config.tokenApi === null && !(await people.accounts.anybody())
  if (!process.stdout.isTTY) {
    log.info(
      { publicUrl, hosts, port, dataDir, setUpNeeded: nobodyYet },
      nobodyYet ? 'listening; nobody can sign in yet: run `porchlight setup` for the set-up link' : 'listening',
    )
    if (!secureCookies && !loopback) log.warn({ publicUrl }, 'plain http: anybody on the way can take over sessions')
    return
  }
  const lines = ['', `  ${DISPLAY_NAME} is on.`, '', `  Open      ${publicUrl}`, `  Data      ${dataDir}`]
  if (nobodyYet) {
    const { href } = await people.registration.makeSetupLink()
    lines.push('', '  Nobody can sign in yet. Make yourself the administrator within the hour:', `  ${href}`)
  }
  if (!secureCookies) {
    lines.push(
      '',
      loopback
        ? '  Plain http on this machine: cookies are not marked Secure. Elsewhere, use https.'
        : '  Warning: plain http. Anybody on the way can read passwords and take over sessions. Use https.',
    )
  }
  process.stdout.write(`${lines.join('\n')}\n\n  Ctrl-C stops it.\n\n`)
}
