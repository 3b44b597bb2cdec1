import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import * as v from 'valibot'
import type { UnixMs } from '../base/clock.ts'
import { Secret } from '../base/secret.ts'
import type { UpstreamTls } from './upstream-config.ts'

const SOURCE_FORM = 'PEM text, the path of a file, { env: the name of a variable } or { file: the path of a file }'
const TLS_FORM = 'ca, or cert and key, or all three'
const NO_CERTIFICATE = 'certificates in PEM (-----BEGIN CERTIFICATE-----)'
const NO_KEY = 'a private key in PEM (-----BEGIN PRIVATE KEY-----)'
/** CA bundles of whole operating systems have about 250 KB. */
const SOURCE_MAX = 1_000_000

const text = v.pipe(v.string(SOURCE_FORM), v.minLength(1, SOURCE_FORM), v.maxLength(SOURCE_MAX, SOURCE_FORM))
/** The messages are ours, because the library's quote the input, which may be a key. */
const source = v.exactOptional(
  v.union([text, v.strictObject({ env: text }, SOURCE_FORM), v.strictObject({ file: text }, SOURCE_FORM)], SOURCE_FORM),
)

/** `tls` of an upstream, as an operator writes it. */
export const TlsSetting = v.pipe(
  v.strictObject({ ca: source, cert: source, key: source }, TLS_FORM),
  v.check(({ ca, cert, key }) => ca !== undefined || cert !== undefined || key !== undefined, TLS_FORM),
  v.check(({ cert, key }) => (cert === undefined) === (key === undefined), `${TLS_FORM}: a cert needs its key`),
)
export type TlsSetting = v.InferOutput<typeof TlsSetting>
type Field = keyof TlsSetting

interface Surroundings {
  env: Readonly<Record<string, string | undefined>>
  /** The folder that relative paths start from. */
  folder: string
}

/**
 * Reads and checks what an upstream's connections use.
 * @param wrong reports a problem with a field, in words that quote no key
 * @returns null if there is a problem
 */
export function toTls(
  setting: TlsSetting,
  { env, folder }: Surroundings,
  wrong: (field: Field, expected: string) => void,
): UpstreamTls | null {
  let isWrong = false
  const report = (field: Field, expected: string) => {
    isWrong = true
    wrong(field, expected)
  }
  const read = (field: Field): Read | null => {
    const written = setting[field]
    const found = written === undefined ? null : readSource(written, env, folder)
    if (typeof found !== 'string') return found
    report(field, found)
    return null
  }
  const [ca, cert, key] = [read('ca'), read('cert'), read('key')]
  if (ca !== null && certificatesIn(ca.text) === null) report('ca', NO_CERTIFICATE)
  if (cert !== null && key !== null) judgePair(cert.text, key.text, report)
  if (isWrong) return null
  const tls: UpstreamTls = {
    ca: ca?.text ?? null,
    client: cert === null || key === null ? null : { cert: cert.text, key: new Secret(key.text) },
    keyFile: key?.file ?? null,
  }
  try {
    createSecureContext(secureContextOptions(tls))
    return tls
  } catch (error) {
    report(tls.client === null ? 'ca' : 'cert', `what OpenSSL accepts (${codeOf(error)})`)
    return null
  }
}

/** In the form that node:tls and undici take. */
export function secureContextOptions({ ca, client }: UpstreamTls): { ca?: string; cert?: string; key?: string } {
  return {
    ...(ca !== null && { ca }),
    ...(client !== null && { cert: client.cert, key: client.key.reveal() }),
  }
}

function judgePair(cert: string, key: string, report: (field: Field, expected: string) => void): void {
  const [leaf] = certificatesIn(cert) ?? []
  const privateKey = keyIn(key)
  if (leaf === undefined) report('cert', NO_CERTIFICATE)
  if (typeof privateKey === 'string') report('key', privateKey)
  else if (leaf?.checkPrivateKey(privateKey) === false)
    report('key', 'the private key of the first certificate in tls.cert; that one has another key')
}

/** @returns null if there is none, or one that cannot be read */
function certificatesIn(pem: string): X509Certificate[] | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  try {
    return blocks.length === 0 ? null : blocks.map(block => new X509Certificate(block))
  } catch {
    return null
  }
}

/** @returns text that says what is expected if it is none */
function keyIn(pem: string): KeyObject | string {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    return codeOf(error) === 'ERR_MISSING_PASSPHRASE' || pem.includes('ENCRYPTED')
      ? 'a private key without a passphrase (openssl pkey -in key.pem -out plain.pem)'
      : NO_KEY
  }
}

interface Read {
  text: string
  file: string | null
}

/** @returns text that says what is expected if it cannot be read */
function readSource(written: NonNullable<TlsSetting[Field]>, env: Surroundings['env'], folder: string): Read | string {
  if (typeof written === 'object' && 'env' in written) {
    const value = env[written.env]
    return value ? { text: value, file: null } : `the variable ${written.env} to be set`
  }
  if (typeof written === 'string' && written.includes('-----BEGIN')) return { text: written, file: null }
  const path = typeof written === 'string' ? written : written.file
  // Base64 has no dot, so that a key without its PEM lines is not shown as if it were a path.
  const shown = typeof written === 'object' || (path.includes('.') && path.length < 500) ? path : 'the file'
  try {
    const file = resolve(folder, path)
    return { text: readFileSync(file, 'utf8'), file }
  } catch (error) {
    return `${shown} to be readable (${codeOf(error)}), or PEM text`
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
}

/** When the certificate that this site presents is valid, in unix milliseconds. */
export function validityOf({ cert }: NonNullable<UpstreamTls['client']>): { from: UnixMs; until: UnixMs } {
  const leaf = new X509Certificate(cert)
  return { from: Date.parse(leaf.validFrom), until: Date.parse(leaf.validTo) }
}
