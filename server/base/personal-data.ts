/**
 * Redacts personal data and secrets from text of other systems, and keeps what a diagnosis needs: codes, trace ids,
 * URLs. Every regular expression here runs in time linear in the text.
 */

/**
 * An at sign: literal, full-width, percent-encoded (once or repeatedly), as an HTML entity, as a JSON escape, or
 * spelled out.
 */
const AT = String.raw`(?:[@＠﹫]|%(?:25)*40|&#0*64;|&#x0*40;|&commat;|\\u0040|\s?[([{]\s?at\s?[)\]}]\s?)`
const DOMAIN = String.raw`(?:\[[^\]\s]{1,80}\]|(?:[\p{L}\p{N}\p{M}._-]|%(?:25)*[89a-f][0-9a-f])+)`
/** A local part may contain nearly any character (RFC 5322 §3.2.3, RFC 6532); within a URL, its delimiters end it. */
const LOCAL = String.raw`[^\s()<>[\]:;,"\\@＠﹫]`
const LOCAL_IN_URL = String.raw`[^\s()<>[\]:;,"\\@＠﹫/?&=#]`
const QUOTED = String.raw`\\?"(?:[^"\\]|\\[^"]|\\"){0,128}?\\?"`

const addressOf = (local: string) => new RegExp(`(?:(?<!${local})${local}+(?<!/)|${QUOTED})${AT}${DOMAIN}`, 'giu')
const ADDRESS = addressOf(LOCAL)
const ADDRESS_IN_URL = addressOf(LOCAL_IN_URL)
/** Cheap check that skips text without anything like an at sign. */
const MAYBE_ADDRESS = /[@＠﹫]|40|#0*64;|&commat;|[([{]\s?at\s?[)\]}]/i
const URLS = /(\b[a-z][a-z\d+.-]{0,20}:\/\/[^\s"'<>]+)/i
/** `https://somebody:password@host` */
const USER_INFO = /^([^/]+:\/\/)[^/?#@]*@/
/** The display name before an address: `Ann Example <[address]>`. */
const DISPLAY_NAME =
  /(?:"[^"]{1,100}"|\p{Lu}[\p{L}\p{M}.'-]{0,40}(?: \p{Lu}[\p{L}\p{M}.'-]{0,40}){0,3}) ?(?=(?:<|&lt;)\[address\])/gu

/** Redacts e-mail addresses in any notation. */
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
  // A leading quotation mark belongs to the quotation, not to the address.
  return text
    .replaceAll(ADDRESS, address => `${/^['`{|]*/.exec(address)?.[0] ?? ''}[address]`)
    .replaceAll(DISPLAY_NAME, '')
}

/** Words that introduce a name: `User 'ann' is unknown`, `username=ann`. */
const NAMED = String.raw`\b(?:(?:user|account|login|screen|given|family|full|display|first|last|nick)[ _-]?(?:name|id|hint)?|upn|sub|subject|principal|member|person|email|e-mail|phone|mobile)`
const QUOTED_NAME = new RegExp(
  `(${NAMED}\\s{0,3}[:=]?\\s{0,3})(?:'[^'\\n]{1,200}'|"(?!:)[^"\\n]{1,200}"|\`[^\`\\n]{1,200}\`|“[^”\\n]{1,200}”|‘[^’\\n]{1,200}’|«[^»\\n]{1,200}»|「[^」\\n]{1,200}」)`,
  'giu',
)
const ASSIGNED_NAME = new RegExp(`(${NAMED}["']?(?:=|: ?))(?!\\[)(?:"[^"\\n]*"|'[^'\\n]*'|[^\\s&,;()"']+)`, 'giu')

/**
 * International numbers, groups of three and four digits, and mobile numbers as written in China and much of Europe;
 * dates, times and trace ids do not match.
 */
const PHONES =
  /(?<![\w+.:-])(?:(?:\+|00)[1-9][\d ().-]{6,18}\d|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|0\d{2,4}[ /-]\d{5,8}|1[3-9]\d{9})(?![\w:-])/g

const JWT = /eyJ[\w-]{10,}(?:\.[\w-]*)*/g
const LONG_RUN = /[\w-]{24,}/g
const HEX_SECRET = /^[\da-f]{40,}$/i

/** Redacts e-mail addresses, user names, telephone numbers and anything that looks like a token. */
export function withoutPersonalData(text: string): string {
  return withoutAddresses(text.replaceAll(JWT, '[token]'))
    .replaceAll(QUOTED_NAME, '$1[name]')
    .replaceAll(ASSIGNED_NAME, '$1[name]')
    .replaceAll(PHONES, '[phone]')
    .replaceAll(LONG_RUN, run => (isRandom(run) ? '[token]' : run))
}

/** Base64 mixes cases and digits, whereas trace ids are lower-case or hyphenated hexadecimal. */
function isRandom(run: string): boolean {
  if (HEX_SECRET.test(run)) return true
  if (/^[\da-f-]+$/i.test(run)) return false
  return /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d.*\d/.test(run)
}
