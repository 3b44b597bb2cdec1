import { createRequire } from 'node:module'
import type * as Bowser from 'bowser'
import { LRUCache } from 'lru-cache'
import type { WireDevice } from '../contract/wire.ts'

const known = new LRUCache<string, WireDevice>({ max: 500 })
const UNKNOWN: WireDevice = { browser: null, system: null, kind: 'other' }

/**
 * Describes the device that sent a User-Agent: "Firefox 143", "Windows", a phone. Unknown parts are null: nothing is
 * guessed.
 */
export function describeDevice(userAgent: string): WireDevice {
  const before = known.get(userAgent)
  if (before !== undefined) return before
  const device = userAgent === '' ? UNKNOWN : parse(userAgent)
  known.set(userAgent, device)
  return device
}

function parse(userAgent: string): WireDevice {
  // Loaded when a list of sessions is first viewed, because it takes 3 MB.
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
  // WebKitGTK and WPE claim to be a Safari of a version that does not exist, without naming a browser.
  if (name === 'Safari' && !WITH_SAFARI.has(system)) return 'WebKit'
  return named(name) ? numbered(name, version?.split('.')[0]) : null
}

const WITH_SAFARI: ReadonlySet<string | undefined> = new Set(['macOS', 'iOS', 'Windows'])
/** GNOME Web versions that hide their own repeat the engine's, which start here. */
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
