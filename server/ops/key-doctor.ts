import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DAY, type UnixMs } from '../base/clock.ts'
import { OperatorError } from '../base/operator-error.ts'
import type { Config } from '../config/types.ts'
import { signingChecksOf } from '../keys/checks.ts'
import { type Keys, openKeys } from '../keys/keys.ts'
import { openSigningKeys } from '../keys/signing-file.ts'
import { isDue } from '../keys/signing-schedule.ts'
import { databaseFile } from '../store/sqlite/files.ts'
import type { Inspection } from '../store/sqlite/inspect.ts'
import { fail, type Finding, ok, warn } from './finding.ts'
import { keyMismatch } from './key-checks.ts'

/** Whether the keys can be read, and are the ones that the database was used with. */
export function judgeKeys(config: Config, database: Inspection | null, now: UnixMs): Finding[] {
  const { keys: source, dataDir } = config
  if ('file' in source && !existsSync(source.file)) {
    return existsSync(databaseFile(dataDir))
      ? [
          fail(
            `The key file ${source.file} is missing, but there is a database`,
            'Restore it from your backup. Without it no password can be checked.',
          ),
        ]
      : [warn('There is no key file yet', 'It is created at the first start.')]
  }
  try {
    const keys = openKeys(source, false, 0)
    const mismatch = database === null ? null : keyMismatch('roots', database.keyChecks.roots, keys.checks())
    if (mismatch !== null) return [fail(mismatch.message, mismatch.advice.join(' '))]
    const findings = [
      ok(
        `Keys valid: ${keys.list().length === 1 ? 'one' : keys.list().length}, ${'file' in source ? 'in our own file' : 'given by a setting'}`,
      ),
    ]
    if ('file' in source) {
      if (dirname(source.file) !== dataDir) findings.push(ok('The key file is separate from the database'))
    }
    const counter = keys.counter()
    if (counter !== null && database !== null && database.counter < counter) {
      findings.push(
        warn(
          'The database is older than the key file: it was restored by hand',
          'The next start ends every session and voids every link.',
        ),
      )
    }
    return [...findings, ...judgeSigningKeys(config, keys, database, now)]
  } catch (error) {
    if (error instanceof OperatorError) return [fail(error.message, error.advice.join(' '))]
    throw error
  }
}

function judgeSigningKeys(config: Config, keys: Keys, database: Inspection | null, now: UnixMs): Finding[] {
  const { signingKeys: source, signingRotationMs } = config
  if (source !== null && 'file' in source && !existsSync(source.file) && keys.signing().length > 0) {
    return [ok(`The signing keys move to ${source.file} at the next start`)]
  }
  const known = database?.keyChecks.signing ?? []
  const signingKeys = openSigningKeys(source, keys, { used: known.length > 0, mayWrite: false })
  const mismatch = keyMismatch('signing', known, signingChecksOf(signingKeys.all()))
  if (mismatch !== null) return [fail(mismatch.message, mismatch.advice.join(' '))]
  if (signingKeys.all().length === 0)
    return [warn('There are no signing keys yet', 'They are created at the next start.')]
  const days = Math.round(signingRotationMs / DAY)
  if (isDue(signingKeys.all(), config, now) && !signingKeys.writable) {
    return [
      warn(
        `The signing keys are older than ${days} days, and cannot be replaced by the server`,
        'Replace them where you keep them.',
      ),
    ]
  }
  return [
    ok(
      `Signing keys valid, ${source === null ? 'in the key file' : 'separate from the root keys'}, replaced every ${days} days`,
    ),
  ]
}
