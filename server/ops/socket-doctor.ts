import { lstatSync, statSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../config/types.ts'
import { fail, type Finding, ok, warn } from './finding.ts'

const OTHERS_WRITE = 0o002
const GROUP_OR_OTHERS_ENTER = 0o011
const OTHERS_ENTER = 0o001

/** Checks the unix socket that the proxy connects to. */
export function judgeSocket({ socket }: Pick<Config, 'socket'>, serverRuns: boolean): Finding[] {
  if (socket === null) return []
  const { path, mode } = socket
  const folder = statOf(dirname(path), statSync)
  if (folder === null || !folder.isDirectory())
    return [fail(`The folder of the socket, ${dirname(path)}, does not exist`, 'Create it for the user of the server.')]
  const found = statOf(path, lstatSync)
  if (found !== null && !found.isSocket())
    return [fail(`${path} is not a socket`, 'Move it away, or choose another path (PORCHLIGHT_SOCKET).')]
  if (found === null && serverRuns)
    return [fail(`The server is running, but its socket ${path} is gone`, 'Something removed it. Restart the server.')]
  const findings = [ok(`Unix socket ${path}, for whoever may write to it (mode ${mode.toString(8)}): a trusted proxy`)]
  // Everyone who can connect may claim any client address.
  if ((mode & OTHERS_WRITE) !== 0 && (folder.mode & OTHERS_ENTER) !== 0)
    findings.push(
      warn(
        `Every user of this machine can connect to ${path} and claim any client address`,
        "Set PORCHLIGHT_SOCKET_MODE=660 and give the socket's folder the proxy's group.",
      ),
    )
  if ((folder.mode & GROUP_OR_OTHERS_ENTER) === 0)
    findings.push(
      warn(
        `Only the user of the server can enter ${dirname(path)}, so a proxy of another user cannot connect`,
        `chgrp GROUP ${dirname(path)} && chmod 2750 ${dirname(path)}, with the group of the proxy.`,
      ),
    )
  return findings
}

function statOf(path: string, stat: (path: string) => Stats): Stats | null {
  try {
    return stat(path)
  } catch {
    return null
  }
}
