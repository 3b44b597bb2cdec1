import * as v from 'valibot'

/** Directives whose sources may be added to; of the others, only a whole policy decides. */
const ADDABLE = [
  'child-src',
  'connect-src',
  'font-src',
  'form-action',
  'frame-src',
  'img-src',
  'manifest-src',
  'media-src',
  'object-src',
  'script-src',
  'script-src-attr',
  'script-src-elem',
  'style-src',
  'style-src-attr',
  'style-src-elem',
  'worker-src',
] as const
/** Every other directive of CSP3 and of the specifications that extend it. */
const OTHERS = [
  'base-uri',
  'block-all-mixed-content',
  'default-src',
  'fenced-frame-src',
  'frame-ancestors',
  'navigate-to',
  'plugin-types',
  'prefetch-src',
  'report-to',
  'report-uri',
  'require-sri-for',
  'require-trusted-types-for',
  'sandbox',
  'trusted-types',
  'upgrade-insecure-requests',
  'webrtc',
] as const
const DIRECTIVES: readonly string[] = [...ADDABLE, ...OTHERS]

const KEYWORDS = ["'self'", "'unsafe-inline'", "'unsafe-eval'", "'wasm-unsafe-eval'", "'unsafe-hashes'"]
const KEYWORD_NAMES =
  /^(?:self|none|unsafe-inline|unsafe-eval|wasm-unsafe-eval|unsafe-hashes|strict-dynamic|nonce-.*)$/i
const HASH = /^'sha(?:256|384|512)-[\w+/-]{42,86}={0,2}'$/
const SCHEME = /^[a-z][a-z\d+.-]*:$/i
const HOST =
  /^(?:[a-z][a-z\d+.-]*:\/\/)?(?:\*|(?:\*\.)?[a-z\d_-]+(?:\.[a-z\d_-]+)*|\[[\da-f:.]+\])(?::(?:\d{1,5}|\*))?(?:\/[\x21-\x7e]*)?$/i

const POLICY_FORM =
  "a Content-Security-Policy in one line, such as script-src 'self', or sources to add, such as { 'img-src': ['https://tiles.example'] }"
const DIRECTIVE_FORM = `a directive of Content-Security-Policy: ${ADDABLE.join(', ')}`
const PROTECTED_FORM =
  'a directive that loads something: what protects the page itself, and default-src, can only be changed by a whole policy as text'
const SOURCES_FORM = "a list of 1 to 50 sources, such as ['https://tiles.example']"
const SOURCE_FORM =
  "one source of at most 200 characters, such as https://tiles.example, wss:, data: or 'self', without a space, comma or semicolon"
const QUOTES_FORM = "a keyword in quotes, such as 'self'"
const NONE_FORM = "sources to add: 'none' adds nothing; to forbid more, write the whole policy as text"
const TRUST_FORM =
  "a source that names what may load: a fixed nonce is known to attackers, and 'strict-dynamic' would block every other source"

const Source = v.pipe(
  v.string(SOURCE_FORM),
  v.maxLength(200, SOURCE_FORM),
  v.check(source => !KEYWORD_NAMES.test(source), QUOTES_FORM),
  v.check(source => source.toLowerCase() !== "'none'", NONE_FORM),
  v.check(source => !/^'(?:nonce-|strict-dynamic')/i.test(source), TRUST_FORM),
  v.check(isSource, SOURCE_FORM),
)

const Additions = v.record(
  v.pipe(v.picklist(DIRECTIVES, DIRECTIVE_FORM), v.picklist(ADDABLE, PROTECTED_FORM)),
  v.pipe(v.array(Source, SOURCES_FORM), v.minLength(1, SOURCES_FORM), v.maxLength(50, SOURCES_FORM)),
  POLICY_FORM,
)

const WholePolicy = v.pipe(
  v.string(POLICY_FORM),
  v.regex(/^[\x21-\x7e][\x20-\x7e]{0,3999}$/, POLICY_FORM),
  v.check(
    policy => directivesOf(policy).every(({ name }) => DIRECTIVES.includes(name)),
    ({ input }) =>
      `directives of Content-Security-Policy, and not ${directivesOf(String(input)).find(({ name }) => !DIRECTIVES.includes(name))?.name}`,
  ),
)

/** The field `policy` of the setting `site`: a whole policy as text, or sources to add to the page's own. */
export const PolicySetting = v.lazy(input =>
  typeof input === 'object' && !Array.isArray(input) ? Additions : WholePolicy,
)
export type PolicySetting = string | Readonly<Record<string, readonly string[]>>

/**
 * Where a whole policy stands for what trusts a page's own inline scripts and styles: its nonce, or their hashes. Each
 * page has others.
 */
export const INLINE_SCRIPTS = '{scripts}'
export const INLINE_STYLES = '{styles}'

/**
 * Checks a policy for pages whose scripts are trusted by a nonce.
 * @returns what is expected instead, or null
 */
export function judgeNoncePolicy(policy: PolicySetting): string | null {
  if (typeof policy === 'string') {
    const trusts = directivesOf(policy).some(
      ({ name, sources }) => /^(?:script|default)-src/.test(name) && sources.includes(INLINE_SCRIPTS),
    )
    return trusts
      ? null
      : `a policy with ${INLINE_SCRIPTS} among the sources of script-src, which stands for the nonce of each page: without it, no script of the built-in pages would run`
  }
  const scripts = [...(policy['script-src'] ?? []), ...(policy['script-src-elem'] ?? [])]
  const unheeded = scripts.find(
    source => !/^'(?:unsafe-eval|wasm-unsafe-eval|unsafe-hashes|sha\d{3}-.*)'$/i.test(source),
  )
  return unheeded === undefined
    ? null
    : `script sources other than ${unheeded}, which browsers ignore here: the built-in pages trust scripts by a nonce, and what these load`
}

/** Checks a policy for pages of a server, whose inline scripts we do not know. */
export function judgeRenderedPolicy(policy: PolicySetting): string | null {
  return typeof policy === 'string' && (policy.includes(INLINE_SCRIPTS) || policy.includes(INLINE_STYLES))
    ? `a policy without ${INLINE_SCRIPTS} and ${INLINE_STYLES}: only the front end knows the nonces of its pages`
    : null
}

/**
 * The directives of one policy, in order; a browser heeds the first of each name (CSP3 §2.2.1).
 * @returns names in lower case
 */
export function directivesOf(policy: string): { name: string; sources: string[] }[] {
  return policy.split(';').flatMap(text => {
    const [name, ...sources] = text.split(/[\t\n\f\r ]+/).filter(part => part !== '')
    return name === undefined ? [] : [{ name: name.toLowerCase(), sources }]
  })
}

function isSource(source: string): boolean {
  if (/[\s;,]/.test(source)) return false
  return KEYWORDS.includes(source.toLowerCase()) || HASH.test(source) || SCHEME.test(source) || HOST.test(source)
}
