import { contrast, fromOklch, type Oklch, parseHex, type Rgb, toHex, toOklch } from '../base/colour.ts'
import { PAPER } from '../contract/brand.ts'

/** The colours of the pages, as web/app/assets/styles/tokens.css has them without a brand. */
export const DEFAULT_PALETTE = {
  paper: PAPER,
  surface: { light: '#fffdf9', dark: '#1e1a16' },
  sunken: { light: '#f2ece2', dark: '#100e0b' },
  line: { light: '#e4dbcd', dark: '#383028' },
  'line-strong': { light: '#8f8371', dark: '#857869' },
  ink: { light: '#26211c', dark: '#f3ece1' },
  'ink-soft': { light: '#675d51', dark: '#b3a696' },
  lamp: { light: '#e59a2f', dark: '#f4b24f' },
  accent: { light: '#96500a', dark: '#f4b24f' },
  'accent-wash': { light: '#fbeed8', dark: '#33260f' },
  glow: { light: '#f8dca8b3', dark: '#f4b24f2e' },
  button: { light: '#2b251f', dark: '#f3ece1' },
  'button-hover': { light: '#453b31', dark: '#ffffff' },
  'on-button': { light: '#fffdf9', dark: '#1b1713' },
} as const

export type ColourName = keyof typeof DEFAULT_PALETTE
export type Scheme = 'light' | 'dark'
/** A colour in hexadecimal notation for each name and scheme. */
export type Palette = Record<ColourName, Record<Scheme, string>>

/** A scheme in which links and focus rings could not have the accent as it is. */
export interface Adaptation {
  scheme: Scheme
  colour: string
}

/** Contrast that text needs (WCAG 2.2, 1.4.3), and what marks a state without being text (1.4.11). */
const TEXT = 4.5
const MARK = 3
/** Below this chroma a colour is a grey, with no hue to keep. */
const GREY = 0.03
/** A button whose colour is nearer than this to the page's is not seen as one. */
const NEAR = 0.09
const NEUTRALS = ['paper', 'surface', 'sunken', 'line', 'line-strong', 'ink', 'ink-soft'] as const
const WHITE: Rgb = [1, 1, 1]
const BLACK: Rgb = [0, 0, 0]

/**
 * The colours of the pages for a site's accent: links, focus rings and buttons have it, or the nearest lightness of it
 * that can be read; the greys take its hue.
 * @param accent `#rrggbb`
 */
export function paletteOf(accent: string): { palette: Palette; adapted: Adaptation[] } {
  const rgb = parseHex(accent) ?? BLACK
  const [light, dark] = [schemeOf(rgb, 'light'), schemeOf(rgb, 'dark')]
  const names = Object.keys(DEFAULT_PALETTE) as ColourName[]
  const palette = Object.fromEntries(names.map(name => [name, { light: light[name], dark: dark[name] }])) as Palette
  const given = toHex(rgb)
  const adapted = (['light', 'dark'] as const)
    .map(scheme => ({ scheme, colour: palette.accent[scheme] }))
    .filter(({ colour }) => colour !== given)
  return { palette, adapted }
}

function schemeOf(accent: Rgb, scheme: Scheme): Record<ColourName, string> {
  const wanted = toOklch(accent)
  const neutrals = Object.fromEntries(
    NEUTRALS.map(name => [name, tinted(DEFAULT_PALETTE[name][scheme], wanted)]),
  ) as Record<(typeof NEUTRALS)[number], Rgb>
  const { paper, surface, sunken } = neutrals
  const wash = shown({
    ...wanted,
    ...(scheme === 'light' ? { l: 0.955 } : { l: 0.27 }),
    c: Math.min(wanted.c, 0.04),
  })
  const text = legible(accent, [paper, surface, sunken, wash], TEXT, scheme)
  const button = distance(accent, paper) < NEAR ? text : accent
  const onButton =
    [WHITE, parseHex(DEFAULT_PALETTE.ink.light) ?? BLACK, BLACK].find(one => contrast(one, button) >= TEXT) ?? BLACK
  const colours = {
    ...neutrals,
    lamp: legible(accent, [paper, surface], MARK, scheme),
    accent: text,
    'accent-wash': wash,
    button,
    'button-hover': hovered(button, onButton),
    'on-button': onButton,
  }
  const hex = Object.fromEntries(Object.entries(colours).map(([name, rgb]) => [name, toHex(rgb)]))
  // A glow of grey looks like dirt.
  const alpha = wanted.c < GREY ? '00' : scheme === 'light' ? '66' : '24'
  const glow = shown({ ...wanted, l: scheme === 'light' ? 0.9 : 0.65, c: Math.min(wanted.c, 0.12) })
  return { ...hex, glow: toHex(glow) + alpha } as Record<ColourName, string>
}

/** A grey of ours with the hue of the accent, or none. */
function tinted(hex: string, accent: Oklch): Rgb {
  const { l, c } = toOklch(parseHex(hex) ?? BLACK)
  return shown({ l, c: accent.c < GREY ? 0 : c * 0.7, h: accent.h })
}

/**
 * The colour if it has the contrast on each of the grounds, or else the nearest lightness of it that has. On a dark
 * page a dark colour is mirrored first, as the pages themselves are.
 */
function legible(colour: Rgb, grounds: readonly Rgb[], ratio: number, scheme: Scheme): Rgb {
  const isLegible = (rgb: Rgb) => grounds.every(ground => contrast(rgb, ground) >= ratio)
  if (isLegible(colour)) return colour
  const { l, c, h } = toOklch(colour)
  const step = scheme === 'light' ? -0.005 : 0.005
  const mirrored = Math.min(0.93, 1.1 - l)
  let lightness = scheme === 'dark' ? Math.max(l, mirrored) : c < GREY ? Math.min(l, mirrored) : l
  for (; lightness > 0 && lightness < 1; lightness += step) {
    const rgb = shown({ l: lightness, c, h })
    if (isLegible(rgb)) return rgb
  }
  return scheme === 'light' ? BLACK : WHITE
}

/** As it is written in the style sheet: contrast is judged after rounding. */
function shown(colour: Oklch): Rgb {
  const rgb = fromOklch(colour)
  return parseHex(toHex(rgb)) ?? rgb
}

/** A little away from the colour of its text. */
function hovered(button: Rgb, text: Rgb): Rgb {
  const { l, c, h } = toOklch(button)
  const textIsLight = toOklch(text).l > 0.5
  const away = textIsLight ? l - 0.07 : l + 0.07
  const inside = away > 0.08 && away < 0.93 ? away : textIsLight ? l + 0.12 : l - 0.07
  return shown({ l: inside, c, h })
}

/** In Oklab, where 0.02 is just noticed. */
function distance(one: Rgb, other: Rgb): number {
  const [a, b] = [toOklch(one), toOklch(other)].map(({ l, c, h }) => {
    const radians = (h * Math.PI) / 180
    return [l, c * Math.cos(radians), c * Math.sin(radians)] as const
  }) as unknown as [Rgb, Rgb]
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])
}
