/**
 * Takes out of other people's text what identifies a person or opens a door, and leaves what a diagnosis needs: codes,
 * trace ids, URLs. Every expression here takes time proportional to the text.
 */

/** The at sign as it stands, wide, percent-encoded (once or more), as an entity, as a JSON escape, or spelled out. */
const AT = String.raw`(?:[@＠﹫]|%(?:25)*40|&#0*64;|&#x0*40;|&commat;|\\u0040|\s?[([{]\s?at\s?[)\]}]\s?)`
const DOMAIN = String.raw`(?:\[[^\]\s]{1,80}\]|(?:[\p{L}\p{N}\p{M}._-]|%(?:25)*[89a-f][0-9a-f])+)`
/**
 * Nearly every sign may be in a local part (RFC 5322 §3.2.3, RFC 6532); in a URL those that divide it are not taken for
 * one.
 */
const LOCAL = String.raw`[^\s()<>[\]:;,"\\@＠﹫]`
const LOCAL_IN_URL = String.raw`[^\s()<>[\]:;,"\\@＠﹫/?&=#]`
const QUOTED = String.raw`\\?"(?:[^"\\]|\\[^"]|\\")*?\\?"`

const addressOf = (local: string) => new RegExp(`(?:(?<!${local})${local}+(?<!/)|${QUOTED})${AT}${DOMAIN}`, 'giu')
const ADDRESS = addressOf(LOCAL)
const ADDRESS_IN_URL = addressOf(LOCAL_IN_URL)
/** What cannot be part of any address is not looked at. */
const MAYBE_ADDRESS = /[@＠﹫]|40|#0*64;|&commat;|[([{]\s?at\s?[)\]}]/i
const URLS = /(\b[a-z][a-z\d+.-]{0,20}:\/\/[^\s"'<>]+)/i
/** `https://somebody:password@host` */
const USER_INFO = /^([^/]+:\/\/)[^/?#@]*@/
/** A name that an address is shown with: `Ann Example <[address]>`. */
const DISPLAY_NAME =
  /(?:"[^"]{1,100}"|\p{Lu}[\p{L}\p{M}.'-]{0,40}(?: \p{Lu}[\p{L}\p{M}.'-]{0,40}){0,3}) ?(?=(?:<|&lt;)\[address\])/gu

/** Takes out e-mail addresses, in whatever form they come. */
export function withoutAddresses(text: string): string {
  if (!MAYBE_ADDRESS.test(text)) return text
  return text
    .split(URLS)
    .map((part, n) => (n % 2 === 1 ? inUrl(part) : inProse(part)))
    .join('')
}

function inUrl(url: string): string {
  return url
    .replace(USER_INFO, '$1[user]@')
    .replaceAll(ADDRESS_IN_URL, address => (address.startsWith('[user]@') ? address : '[address]'))
}

function inProse(text: string): string {
  // A mark in front of an address is a quotation's, not its own.
  return text
    .replaceAll(ADDRESS, address => `${/^['`{|]*/.exec(address)?.[0] ?? ''}[address]`)
    .replaceAll(DISPLAY_NAME, '')
}

/** Words that a name follows: `User 'ann' is unknown`, `username=ann`. */
const NAMED = String.raw`\b(?:(?:user|account|login|screen|given|family|full|display|first|last|nick)[ _-]?(?:name|id|hint)?|upn|sub|subject|principal|member|person|email|e-mail|phone|mobile)`
const QUOTED_NAME = new RegExp(
  `(${NAMED}\\s{0,3}[:=]?\\s{0,3})(?:'[^'\\n]{1,200}'|"(?!:)[^"\\n]{1,200}"|\`[^\`\\n]{1,200}\`|“[^”\\n]{1,200}”|‘[^’\\n]{1,200}’|«[^»\\n]{1,200}»|「[^」\\n]{1,200}」)`,
  'giu',
)
const ASSIGNED_NAME = new RegExp(`(${NAMED}["']?(?:=|: ?))(?!\\[)(?:"[^"\\n]*"|'[^'\\n]*'|[^\\s&,;()"']+)`, 'giu')

/**
 * With a country's code, in groups of three and four, or as mobile numbers are written in China and much of Europe.
 * Dates, times and the ids of traces are none.
 */
const PHONES =
  /(?<![\w+.:-])(?:(?:\+|00)[1-9][\d ().-]{6,18}\d|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|0\d{2,4}[ /-]\d{5,8}|1[3-9]\d{9})(?![\w:-])/g

const JWT = /eyJ[\w-]{10,}(?:\.[\w-]*)*/g
const LONG_RUN = /[\w-]{24,}/g
const HEX_SECRET = /^[\da-f]{40,}$/i

/** Takes out addresses, names of users, telephone numbers, and what looks like a token. */
export function withoutPersonalData(text: string): string {
  return withoutAddresses(text.replaceAll(JWT, '[token]'))
    .replaceAll(QUOTED_NAME, '$1[name]')
    .replaceAll(ASSIGNED_NAME, '$1[name]')
    .replaceAll(PHONES, '[phone]')
    .replaceAll(LONG_RUN, run => (isRandom(run) ? '[token]' : run))
}

/** Case and digits mixed, as base64 is; ids of traces are lower-case, or hexadecimal with hyphens. */
function isRandom(run: string): boolean {
  if (HEX_SECRET.test(run)) return true
  if (/^[\da-f-]+$/i.test(run)) return false
  return /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d.*\d/.test(run)
}
