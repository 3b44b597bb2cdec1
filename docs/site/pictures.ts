/** Every picture of the running site that README and the documents show, and what is on it. */
export interface Picture {
  /** Its file in docs/pictures, without the ending; a dark one beside it ends in `-dark`. */
  name: string
  path: string
  language: 'en' | 'zh-CN'
  /** Runs a demonstration of /proof first: the heading of its section. */
  play?: RegExp
  height: number
}

export const PICTURES: readonly Picture[] = [
  { name: 'devices', path: '/account/sessions', language: 'en', height: 800 },
  { name: 'proof', path: '/proof', language: 'en', play: /Be the thief/, height: 900 },
  { name: 'devices-zh', path: '/account/sessions', language: 'zh-CN', height: 800 },
  { name: 'proof-zh', path: '/proof', language: 'zh-CN', play: /贼|小偷|窃/, height: 900 },
]

/** Drawn by hand, not taken. */
export const DRAWINGS = ['where-tokens-live.svg', 'a-renewal.svg', 'what-a-thief-gets.svg'] as const

export const THEMES = ['light', 'dark'] as const
/** Bytes that a picture may have: README shows two at once. */
export const MAX_PICTURE_BYTES = 100_000

export function fileOf(picture: Picture, theme: (typeof THEMES)[number]): string {
  return `${picture.name}${theme === 'dark' ? '-dark' : ''}.webp`
}
