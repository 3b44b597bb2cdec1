import type { Log } from '../base/log.ts'
import { OperatorError } from '../base/operator-error.ts'
import { everyUpstream } from '../config/plain-http.ts'
import type { Config } from '../config/types.ts'
import { type Exposure, exposuresIn, keyFileExposures, ourId } from './permissions.ts'

export type Places = Pick<Config, 'dataDir' | 'keys' | 'signingKeys' | 'upstreams' | 'site'>

/**
 * What other users of the machine could do with our files.
 * @param uid the expected owner
 */
export function exposures(places: Places, uid: number | undefined): Exposure[] {
  const { dataDir, keys, signingKeys } = places
  const keyFiles = [keys, signingKeys].flatMap(source => {
    const file = source === null ? undefined : 'file' in source ? source.file : source.readFrom
    return file === undefined ? [] : keyFileExposures(file, dataDir, uid)
  })
  // They sign nobody in here, and other programs may use them, too.
  const clientKeys = new Set(everyUpstream(places).flatMap(({ tls }) => tls?.keyFile ?? []))
  const ofUpstreams = [...clientKeys].flatMap(file =>
    keyFileExposures(file, dataDir, uid).map(exposure => ({ ...exposure, fatal: false })),
  )
  return [...exposuresIn(dataDir, uid), ...keyFiles, ...ofUpstreams]
}

/**
 * Logs warnings about minor exposures.
 * @throws OperatorError that lists the commands to fix it if other users could read keys or change data
 */
export function refuseExposure(places: Places, log: Log): void {
  const found = exposures(places, ourId())
  const [worst] = found.filter(exposure => exposure.fatal)
  if (worst !== undefined) {
    const fatal = found.filter(exposure => exposure.fatal)
    throw new OperatorError(`${worst.what}.`, [
      ...fatal.slice(1, SHOWN).map(exposure => `${exposure.what}.`),
      'Anyone who can read the keys or change the data can sign in as anyone. Fix this, then start again:',
      ...fatal.slice(0, SHOWN).map(exposure => `  ${exposure.mend}`),
    ])
  }
  for (const { what, mend } of found)
    log.warn({ event: 'key_file_exposed', mend }, `${what}: keep it to the user who runs this, where that is possible`)
}

/** Bounds the list, since there may be any number of backups. */
const SHOWN = 10
