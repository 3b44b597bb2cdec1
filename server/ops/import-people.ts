import * as v from 'valibot'
import { OperatorError } from '../base/operator-error.ts'
import { Problem } from '../base/problem.ts'
import { MAX_NAME_LENGTH, Role, SetupRequest } from '../contract/wire.ts'
import { OPERATOR } from '../accounts/actor.ts'
import type { ImportedPerson } from '../accounts/account-imports.ts'
import { parseForeignHash } from '../accounts/foreign-hashes.ts'
import type { OperationServices } from './operation-services.ts'

/** People of one call, and of one transaction. */
export const IMPORT_BATCH = 100

/** What a person of a file says. The library's own messages quote the input, which holds password hashes. */
const Person = v.strictObject({
  email: v.message(SetupRequest.entries.email, 'email: not an e-mail address'),
  name: v.exactOptional(v.nullable(v.string('name: not text'))),
  roles: v.exactOptional(
    v.pipe(
      v.array(v.message(Role, 'roles: other than admin and user'), 'roles: not a list'),
      v.minLength(1, 'roles: none'),
    ),
  ),
  disabled: v.exactOptional(v.boolean('disabled: neither true nor false')),
  passwordHash: v.exactOptional(v.nullable(v.string('passwordHash: not text'))),
})

export const ImportInput = v.strictObject({
  people: v.pipe(v.array(v.unknown()), v.maxLength(IMPORT_BATCH)),
  dryRun: v.boolean(),
  links: v.boolean(),
})
export type ImportInput = v.InferOutput<typeof ImportInput>

/** What became of one person: `why` says what is wrong with a refused one, and repeats nothing of it that is secret. */
export interface ImportResult {
  outcome: 'imported' | 'exists' | 'refused'
  why: string | null
  link: string | null
}

/**
 * Imports one batch: everybody in it who is valid and not there yet, or nobody.
 * @throws OperatorError, Problem
 */
export async function importPeople(
  { people: { imports, resets } }: OperationServices,
  { people, dryRun, links }: ImportInput,
): Promise<{ results: ImportResult[] }> {
  const read = people.map(personOf)
  const valid = read.filter(person => typeof person !== 'string')
  const outcomes = await imports.importAll(valid, dryRun, OPERATOR).catch((error: unknown) => {
    throw error instanceof Problem && error.code === 'last_admin' ? noAdministrator() : error
  })
  const results: ImportResult[] = []
  for (const person of read) {
    const found = typeof person === 'string' ? undefined : outcomes.shift()
    if (typeof person === 'string' || found === undefined) {
      results.push({ outcome: 'refused', why: typeof person === 'string' ? person : null, link: null })
      continue
    }
    const needsLink = links && !dryRun && found.mayNeedLink && found.id !== null && person.passwordHash === null
    const link = needsLink ? (await resets.makeLink(found.id ?? '', OPERATOR)).href : null
    results.push({ outcome: found.outcome, why: null, link })
  }
  return { results }
}

/** @returns what is wrong */
function personOf(input: unknown): ImportedPerson | string {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return 'not an object'
  const result = v.safeParse(Person, input)
  if (!result.success) return whatIsWrong(result.issues[0])
  const { email, name, roles = ['user'], disabled = false, passwordHash = null } = result.output
  // Django marks accounts without a password by an exclamation mark.
  const hash = passwordHash === '' || passwordHash?.startsWith('!') === true ? null : passwordHash
  const parsed = hash === null ? null : parseForeignHash(hash)
  if (typeof parsed === 'string') return `passwordHash: ${parsed}`
  const shown = v.safeParse(SetupRequest.entries.name, shortened(name ?? '', email))
  if (!shown.success) return 'name: contains characters that no name has'
  return { email, name: shown.output, roles, disabled, passwordHash: hash }
}

function whatIsWrong(issue: v.BaseIssue<unknown>): string {
  const key = String(issue.path?.[0]?.key ?? '')
  if (issue.type !== 'strict_object') return issue.message
  // A key may be anything, a hash too, where a file has another form.
  return key in Person.entries ? `${key}: missing` : 'a field other than email, name, roles, disabled and passwordHash'
}

/** Other systems know longer names, and none. */
function shortened(name: string, email: string): string {
  const trimmed = name.trim()
  const shown = (trimmed === '' ? (email.split('@')[0] ?? '') : trimmed).slice(0, MAX_NAME_LENGTH)
  // Not half a character at the end.
  return shown.replace(/[\ud800-\udbff]$/, '').trim()
}

function noAdministrator(): OperatorError {
  return new OperatorError('Nobody is an administrator here, and nobody among the first people of the file.', [
    `Give one of the first ${IMPORT_BATCH} people "roles": ["admin"], or create an administrator first: porchlight setup`,
  ])
}
