import { existsSync } from 'node:fs'
import type { Clock, UnixMs } from '../../base/clock.ts'
import { OperatorError } from '../../base/operator-error.ts'
import type { Config } from '../../config/types.ts'
import { openKeys } from '../../keys/keys.ts'
import { openSigningKeys } from '../../keys/signing-file.ts'
import { ownerOf } from '../permissions.ts'
import { exposures } from '../privacy.ts'
import type { Facts } from './requirement.ts'

export interface FactDeps {
  config: Config
  clock: Clock
  nodeEnv: string | undefined
  /** GET of a path below the public URL. */
  fetchPublic: (path: string) => Promise<{ status: number; headers: Headers }>
}

/** Looks at the installation, whether its server runs or not, and changes nothing. */
export async function gatherFacts({ config, clock, nodeEnv, fetchPublic }: FactDeps): Promise<Facts> {
  return {
    config,
    now: clock.now().wall,
    nodeEnv,
    exposures: exposures(config, ownerOf(config.dataDir)).map(({ what }) => what),
    signingKeyMadeAt: signingKeyMadeAt(config),
    headers: await headersOf(fetchPublic),
  }
}

/** Nobody has to answer: the report says less then. */
async function headersOf(fetchPublic: FactDeps['fetchPublic']): Promise<Headers | null> {
  try {
    const { status, headers } = await fetchPublic('/auth/session')
    return status === 200 ? headers : null
  } catch {
    return null
  }
}

function signingKeyMadeAt({ keys: source, signingKeys }: Config): UnixMs | null {
  if ('file' in source && !existsSync(source.file)) return null
  try {
    const keys = openSigningKeys(signingKeys, openKeys(source, false, 0), { used: false, mayWrite: false })
    const made = keys.all().map(({ createdAt }) => createdAt)
    return made.length === 0 ? null : Math.max(...made)
  } catch (error) {
    // The doctor says what is wrong with them.
    if (error instanceof OperatorError) return null
    throw error
  }
}
