import { createRequire } from 'node:module'
import type * as Bowser from 'bowser'
import { LRUCache } from 'lru-cache'
import type { WireDevice } from '../contract/wire.ts'

const known = new LRUCache<string, WireDevice>({ max: 500 })
const UNKNOWN: WireDevice = { browser: null, system: null, kind: 'other' }

/**
 * What a person calls the device that sent this User-Agent: "Firefox 143", "Windows", a phone. A header that says
 * nothing known gives nulls: nothing is guessed.
 */
export function describeDevice(userAgent: string): WireDevice {
  const before = known.get(userAgent)
  if (before !== undefined) return before
  const device = userAgent === '' ? UNKNOWN : parse(userAgent)
  known.set(userAgent, device)
  return device
}

function parse(userAgent: string): WireDevice {
  // Loaded when somebody first looks at a list of sessions: until then it is 3 MB for nothing.
  const bowser = createRequire(import.meta.url)('bowser') as typeof Bowser
  const { browser, os, platform } = bowser.parse(userAgent)
  return {
    browser: browserOf(userAgent, browser, os.name),
    system: named(os.name) ? os.name : null,
    kind: kindOf(platform.type),
  }
}

function browserOf(
  userAgent: string,
  { name, version }: Bowser.Parser.Details,
  system: string | undefined,
): string | null {
  if (name === 'Epiphany') return numbered('GNOME Web', /\bEpiphany\/(\d+)/.exec(userAgent)?.[1])
  // WebKitGTK and WPE call themselves a Safari, of a version that there never was, and name no browser.
  if (name === 'Safari' && !WITH_SAFARI.has(system)) return 'WebKit'
  return named(name) ? numbered(name, version?.split('.')[0]) : null
}

const WITH_SAFARI: ReadonlySet<string | undefined> = new Set(['macOS', 'iOS', 'Windows'])
/** Where GNOME Web hides its own version, it repeats the engine's, which begins here. */
const ENGINE_VERSIONS = 500

function numbered(name: string, major: string | undefined): string {
  return major === undefined || major === '' || Number(major) >= ENGINE_VERSIONS ? name : `${name} ${major}`
}

const named = (name: string | undefined): name is string => name !== undefined && name !== ''

function kindOf(type: string | undefined): WireDevice['kind'] {
  switch (type) {
    case 'mobile':
      return 'phone'
    case 'tablet':
    case 'desktop':
      return type
    default:
      return 'other'
  }
}
