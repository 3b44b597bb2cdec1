import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import type { UnixMs } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { Secret } from '../base/secret.ts'
import { isCanonical, type SigningKey, StoredSigningKey, storedSigningKey } from './signing-key.ts'

/** One root secret. Everything sealed or tagged with it carries its id; keys for each purpose are derived from it. */
export interface RootKey {
  id: string
  /** 32 random bytes. */
  secret: Secret<Buffer>
  createdAt: UnixMs
  /** When the next root replaced it; null: it is the newest. */
  replacedAt: UnixMs | null
}

/** The content of the key file. `counter` is compared with the database's to detect a silent restore. */
export interface KeyFile {
  roots: RootKey[]
  counter: number
  signing: readonly SigningKey[]
}

const ROOT_BYTES = 32

const Time = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
// Version 1 only had root secrets.
const VERSION = 2
/** Format version of a file with signing keys only. */
const SIGNING_VERSION = 1
const SigningList = v.pipe(
  v.array(StoredSigningKey),
  v.check(keys => new Set(keys.map(key => key.id)).size === keys.length, 'Two keys have the same id'),
)
const FileShape = v.strictObject({
  version: v.picklist([1, VERSION]),
  counter: Time,
  roots: v.pipe(
    v.array(
      v.strictObject({
        id: v.pipe(v.string(), v.regex(/^[\w-]{4,32}$/)),
        secret: v.pipe(
          v.string(),
          v.regex(/^[\w-]{43}$/, 'Invalid secret'),
          v.check(isCanonical, 'A character was changed'),
        ),
        createdAt: Time,
        replacedAt: v.nullable(Time),
      }),
    ),
    v.minLength(1),
    v.check(roots => new Set(roots.map(root => root.id)).size === roots.length, 'Two keys have the same id'),
    v.check(roots => roots.filter(root => root.replacedAt === null).length === 1, 'Exactly one key must be the newest'),
  ),
  signing: v.optional(SigningList, []),
})
const SigningFileShape = v.strictObject({ version: v.literal(SIGNING_VERSION), signing: SigningList })

export function newRoot(now: UnixMs): RootKey {
  return { id: randomId(6), secret: new Secret(randomBytes(ROOT_BYTES)), createdAt: now, replacedAt: null }
}

/** The root that seals and tags new values. */
export function newestOf(roots: readonly RootKey[]): RootKey {
  const newest = roots.find(root => root.replacedAt === null)
  if (newest === undefined) throw new Error('no newest root key')
  return newest
}

/** @throws Error that describes the problem without quoting the text */
export function parseKeyFile(text: string): KeyFile {
  const { roots, counter, signing } = parsedAs(FileShape, text, VERSION)
  return {
    roots: roots.map(root => ({ ...root, secret: new Secret(Buffer.from(root.secret, 'base64url')) })),
    counter,
    signing,
  }
}

/** @throws Error like `parseKeyFile` */
export function parseSigningFile(text: string): readonly SigningKey[] {
  return parsedAs(SigningFileShape, text, SIGNING_VERSION).signing
}

function parsedAs<Output>(shape: v.GenericSchema<unknown, Output>, text: string, newest: number): Output {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text, which contains secrets.
    throw new Error('it is not valid JSON')
  }
  const version = typeof json === 'object' && json !== null && 'version' in json ? json.version : undefined
  if (typeof version === 'number' && version > newest)
    throw new Error(`it has format ${version}, written by a newer version`)
  const parsed = v.safeParse(shape, json)
  if (!parsed.success) {
    const issue = parsed.issues[0]
    const where = v.getDotPath(issue) ?? 'the file'
    throw new Error(
      `${where} is not as expected${issue.type === 'check' || issue.type === 'raw_transform' ? `: ${issue.message}` : ''}`,
    )
  }
  return parsed.output
}

export function formatSigningFile(signing: readonly SigningKey[]): string {
  return `${JSON.stringify({ version: SIGNING_VERSION, signing: signing.map(storedSigningKey) }, null, 2)}\n`
}

export function formatKeyFile(file: KeyFile): string {
  const roots = file.roots.map(root => ({ ...root, secret: root.secret.reveal().toString('base64url') }))
  return `${JSON.stringify({ version: VERSION, counter: file.counter, roots, signing: file.signing.map(storedSigningKey) }, null, 2)}\n`
}
