import { directivesOf, INLINE_SCRIPTS, INLINE_STYLES, type PolicySetting } from '../../config/policy-setting.ts'

const ATTRIBUTES = 'script-src-attr'

/** Source expressions that trust a page's own inline scripts and styles: a nonce, or hashes. Empty: none. */
export interface InlineSources {
  scripts: string
  styles: string
  /** Hashes of the code of event attributes, such as `onload`. */
  handlers: string
}

/** What `default-src` does not cover, so that a policy which forgets it would open it. */
const UNCOVERED = ['base-uri', 'form-action', 'frame-ancestors']
const FRAMES = ['frame-ancestors']

/**
 * Prepares the policy of pages of one kind.
 * @param base the policy without the setting; `{scripts}` and `{styles}` stand for each page's inline sources
 * @param ownPages whether they are ours, which take passwords
 * @returns makes the policy of one page
 */
export function policyOf(
  base: string,
  setting: PolicySetting | null,
  ownPages = false,
): (inline: InlineSources) => string {
  const template =
    setting === null
      ? base
      : typeof setting === 'string'
        ? keeping(ownPages ? UNCOVERED : FRAMES, setting, base)
        : withSources(base, setting)
  // A directive of its own, so that nothing but such an attribute may have this code (CSP3 §6.1.12).
  const hasHandlers =
    template.includes(INLINE_SCRIPTS) && !directivesOf(template).some(({ name }) => name === ATTRIBUTES)
  return ({ scripts, styles, handlers }) => {
    const policy = filled(filled(template, INLINE_SCRIPTS, scripts), INLINE_STYLES, styles)
    return hasHandlers && handlers !== '' ? `${policy}; ${ATTRIBUTES} 'unsafe-hashes' ${handlers}` : policy
  }
}

/** A whole policy, closed to frames unless it says something else: on the pages, people are signed in. */
export function closedToFrames(policy: string, base: string): string {
  return keeping(FRAMES, policy, base)
}

/** A whole policy with those directives of another that it does not mention. */
function keeping(names: readonly string[], policy: string, base: string): string {
  const mentioned = new Set(policy.split(',').flatMap(one => directivesOf(one).map(({ name }) => name)))
  const kept = directivesOf(base).filter(({ name }) => names.includes(name) && !mentioned.has(name))
  return [policy.replace(/[;\s]+$/, ''), ...kept.map(({ name, sources }) => [name, ...sources].join(' '))].join('; ')
}

function filled(template: string, place: string, sources: string): string {
  return sources === '' ? template.replaceAll(` ${place}`, '') : template.replaceAll(place, sources)
}

/**
 * Adds sources to a policy, so that what they name may load and everything else stays as it was.
 * @param policy may be several, separated by commas: a page needs the consent of each (CSP3 §8.1)
 */
export function withSources(policy: string, additions: Readonly<Record<string, readonly string[]>>): string {
  return policy
    .split(',')
    .map(one => withAdded(one, additions))
    .join(', ')
}

function withAdded(policy: string, additions: Readonly<Record<string, readonly string[]>>): string {
  const directives = new Map<string, string[]>()
  for (const { name, sources } of directivesOf(policy)) if (!directives.has(name)) directives.set(name, sources)
  for (const [name, added] of Object.entries(additions)) {
    for (const place of placesOf(name, directives)) {
      const present = directives.get(place) ?? inherited(place, directives)
      // Without a directive that applies, everything is allowed already.
      if (present !== null) directives.set(place, merged(present, addedTo(place, added)))
    }
  }
  return [...directives].map(([name, sources]) => [name, ...sources].join(' ')).join('; ')
}

/** Directives for a part of another, which decide alone where they are present (CSP3 §6.8.3). */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  'script-src': ['script-src-elem', 'script-src-attr'],
  'style-src': ['style-src-elem', 'style-src-attr'],
}

function placesOf(name: string, directives: ReadonlyMap<string, unknown>): string[] {
  const parts = (PARTS[name] ?? []).filter(part => directives.has(part))
  return parts.length === 2 ? parts : [name, ...parts]
}

/** Attributes load nothing, so that only keywords and hashes concern them. */
function addedTo(place: string, added: readonly string[]): readonly string[] {
  return place.endsWith('-attr') ? added.filter(source => source.startsWith("'") && source !== "'self'") : added
}

/** What decides where a directive is absent (CSP3 §6.8.3). */
const FALLBACKS: Readonly<Record<string, readonly string[]>> = {
  'script-src-elem': ['script-src'],
  'script-src-attr': ['script-src'],
  'style-src-elem': ['style-src'],
  'style-src-attr': ['style-src'],
  'frame-src': ['child-src'],
  'worker-src': ['child-src', 'script-src'],
}

function inherited(name: string, directives: ReadonlyMap<string, string[]>): string[] | null {
  if (name === 'form-action') return null
  for (const parent of [...(FALLBACKS[name] ?? []), 'default-src']) {
    const sources = directives.get(parent)
    // A worker has no element with a nonce, which trusts scripts of this origin only.
    if (sources !== undefined && name === 'worker-src' && parent === 'script-src')
      return merged(
        ["'self'"],
        sources.filter(source => !isInline(source) && source !== "'strict-dynamic'"),
      )
    if (sources !== undefined) return sources
  }
  return null
}

function merged(present: readonly string[], added: readonly string[]): string[] {
  if (added.length === 0) return [...present]
  const all = [...new Set([...present, ...added])].filter(source => source.toLowerCase() !== "'none'")
  // Browsers ignore 'unsafe-inline' beside a nonce or a hash (CSP3 §6.7.3.2).
  return added.includes("'unsafe-inline'") ? all.filter(source => !isInline(source)) : all
}

function isInline(source: string): boolean {
  return source === INLINE_SCRIPTS || source === INLINE_STYLES || /^'(?:nonce|sha\d{3})-/i.test(source)
}
