import * as v from 'valibot'
import { Secret } from '../base/secret.ts'

const TRACES_URL =
  'the address of an OTLP receiver over http, such as http://127.0.0.1:4318 or https://otlp.example.org/v1/traces, without user name or query'
const TRACES_HEADERS =
  'headers such as api-key=SECRET,x-scope=main: values percent-encoded where they have a comma, and none that the request itself has'
const TRACES_RATIO = 'a number from 0 to 1'

/** Where spans go if an address has no path (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request). */
const DEFAULT_PATH = '/v1/traces'
/** Set by us, or by the connection. */
const RESERVED_HEADERS = /^(?:host|connection|content-.*|transfer-encoding|expect|upgrade|keep-alive|te|trailer)$/

export interface TracesConfig {
  url: string
  headers: readonly { name: string; value: Secret }[]
  /** From 0 to 1: how many of the traces that begin here are recorded. */
  ratio: number
  /** Whether trusted proxies trace, too, so that their traces are continued. */
  continues: boolean
}

export const TracesUrl = v.pipe(
  v.string(TRACES_URL),
  v.check(text => readTracesUrl(text) !== null, TRACES_URL),
)
export const TracesHeaders = v.pipe(
  v.string(TRACES_HEADERS),
  v.check(text => readTracesHeaders(text) !== null, TRACES_HEADERS),
)
export const TracesRatio = v.pipe(v.number(TRACES_RATIO), v.minValue(0, TRACES_RATIO), v.maxValue(1, TRACES_RATIO))

/** @returns null if it is not one */
export function readTracesUrl(text: string): string | null {
  if (!URL.canParse(text) || /\s/.test(text)) return null
  const { protocol, username, password, search, hash, origin, pathname } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return null
  if (username !== '' || password !== '' || search !== '' || hash !== '') return null
  return origin + (pathname === '/' ? DEFAULT_PATH : pathname)
}

/**
 * In the form of OTEL_EXPORTER_OTLP_HEADERS: pairs separated by commas, values percent-encoded.
 * @returns null if it is not one
 */
export function readTracesHeaders(text: string): TracesConfig['headers'] | null {
  const headers: { name: string; value: Secret }[] = []
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue
    const [, name = '', encoded = ''] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? []
    const value = decoded(encoded)
    if (name === '' || RESERVED_HEADERS.test(name.toLowerCase())) return null
    if (value === null || !/^[\x20-\x7e]+$/.test(value)) return null
    headers.push({ name: name.toLowerCase(), value: new Secret(value) })
  }
  return headers
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
