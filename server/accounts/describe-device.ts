import { createRequire } from 'node:module'
import type * as Bowser from 'bowser'
import { LRUCache } from 'lru-cache'
import type { WireDevice } from '../contract/wire.ts'

const known = new LRUCache<string, WireDevice>({ max: 500 })
const UNKNOWN: WireDevice = { browser: null, system: null, kind: 'other' }

/** What a person calls the device that sent this User-Agent: "Firefox 143", "Windows", a phone.
 * A header that says nothing known gives nulls: nothing is guessed. */
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
  const [major] = (browser.version ?? '').split('.')
  return {
    browser: named(browser.name) ? [browser.name, major].filter(Boolean).join(' ') : null,
    system: named(os.name) ? os.name : null,
    kind: kindOf(platform.type),
  }
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
