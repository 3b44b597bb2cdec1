import * as v from 'valibot'
import { Secret } from '../base/secret.ts'
import { Email } from '../contract/email.ts'
import { isLoopback } from './address.ts'

const MAIL_URL =
  'a mail server such as smtps://user:password@mail.example.org or smtp://mail.example.org:587 (a reserved character in the password is percent-encoded); ?tls=off for one on a private network that has no TLS'
const MAIL_FROM = `an address such as login@example.org, or 'Example <login@example.org>'`
const MAX_FROM_LENGTH = 320
/** RFC 8314 §3.3 and RFC 6409 §3.1 */
const PORTS = { 'smtps:': 465, 'smtp:': 587 } as const

/** How mail leaves: `implicit` TLS from the start, `starttls` or nothing; `none` sends credentials and codes readably. */
type Tls = 'implicit' | 'starttls' | 'none'

export interface MailServer {
  host: string
  port: number
  tls: Tls
  auth: { user: string; password: Secret } | null
}

/** @property name null: the brand's */
export interface MailSender {
  address: string
  name: string | null
}

export interface MailConfig {
  server: MailServer
  from: MailSender
}

/** The setting `mailUrl`. */
export const MailUrl = v.pipe(
  v.string(MAIL_URL),
  v.check(text => readMailUrl(text) !== null, MAIL_URL),
)
/** The setting `mailFrom`. */
export const MailFrom = v.pipe(
  v.string(MAIL_FROM),
  v.check(text => readSender(text) !== null, MAIL_FROM),
)

/** @returns null if it is not one */
export function readMailUrl(text: string): MailServer | null {
  if (!URL.canParse(text)) return null
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text)
  if (protocol !== 'smtp:' && protocol !== 'smtps:') return null
  if (hostname === '' || !['', '/'].includes(pathname) || hash !== '') return null
  const wanted = /^(?:|\?tls=(off|starttls))$/.exec(search)
  if (wanted === null || (wanted[1] !== undefined && protocol === 'smtps:')) return null
  if ((username === '') !== (password === '')) return null
  const user = decoded(username)
  const secret = decoded(password)
  if (user === null || secret === null) return null
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    host,
    port: port === '' ? PORTS[protocol] : Number(port),
    tls: tlsOf(protocol, wanted[1], host),
    auth: user === '' ? null : { user, password: new Secret(secret) },
  }
}

/** A relay on this machine often has no TLS, and needs none. */
function tlsOf(protocol: string, wanted: string | undefined, host: string): Tls {
  if (protocol === 'smtps:') return 'implicit'
  if (wanted === 'off' || (wanted === undefined && isLoopback(host))) return 'none'
  return 'starttls'
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** @returns null if it is not one */
export function readSender(text: string): MailSender | null {
  // eslint-disable-next-line no-control-regex -- a line break would add a header
  if (text.length > MAX_FROM_LENGTH || /[\u0000-\u001f\u007f]/.test(text)) return null
  const [, quoted, plain, inside] = /^(?:"([^"]*)"|([^"<>]*?))\s*<([^<>]+)>$/.exec(text.trim()) ?? []
  const result = v.safeParse(Email, inside ?? text)
  if (!result.success) return null
  const name = (quoted ?? plain ?? '').trim()
  return { address: result.output, name: name === '' ? null : name }
}
