import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { contrast, fromOklch, parseHex, type Rgb, toHex } from '../base/colour.ts'
import { type ColourName, DEFAULT_PALETTE, paletteOf } from './palette.ts'

const TOKENS = readFileSync(join(import.meta.dirname, '../../web/app/assets/styles/tokens.css'), 'utf8')
const SCHEMES = ['light', 'dark'] as const
const rgb = (hex: string) => parseHex(hex) as Rgb

/** Greys and every hue, pale to nearly black, dull and loud. */
const ACCENTS = [0.1, 0.3, 0.5, 0.7, 0.9, 0.99].flatMap(l =>
  [0, 0.02, 0.08, 0.3].flatMap(c =>
    Array.from({ length: c === 0 ? 1 : 12 }, (_, at) => toHex(fromOklch({ l, c, h: at * 30 }))),
  ),
)

describe('the colours of an accent', () => {
  test('the colours without one are those of the style sheet', () => {
    const written = Object.fromEntries(
      [...TOKENS.matchAll(/--([\w-]+): light-dark\((#\w+), (#\w+)\)/g)].map(([, name, light, dark]) => [
        name ?? '',
        { light, dark },
      ]),
    )
    for (const [name, pair] of Object.entries(DEFAULT_PALETTE)) expect([name, written[name]]).toEqual([name, pair])
  })

  test('WCAG 1.4.3 and 1.4.11: whatever the accent, what is written in or on it can be read in both themes', () => {
    const pairs: [ColourName, ColourName, number][] = [
      ...(['paper', 'surface', 'sunken', 'accent-wash'] as const).map(
        ground => ['accent', ground, 4.5] as [ColourName, ColourName, number],
      ),
      ...(['paper', 'surface', 'sunken', 'accent-wash'] as const).map(
        ground => ['ink', ground, 7] as [ColourName, ColourName, number],
      ),
      ['ink-soft', 'paper', 4.5],
      ['ink-soft', 'sunken', 4.5],
      ['on-button', 'button', 4.5],
      ['on-button', 'button-hover', 4.5],
      ['lamp', 'paper', 3],
      ['lamp', 'surface', 3],
      ['line-strong', 'surface', 3],
    ]
    const faint = ACCENTS.flatMap(accent => {
      const { palette } = paletteOf(accent)
      return SCHEMES.flatMap(scheme =>
        pairs
          .filter(([one, other, ratio]) => contrast(rgb(palette[one][scheme]), rgb(palette[other][scheme])) < ratio)
          .map(([one, other]) => `${accent}, ${scheme}: ${one} on ${other}`),
      )
    })
    expect(faint).toEqual([])
  })

  test('an accent that can be read stays as it is, in links and buttons', () => {
    const { palette, adapted } = paletteOf('#0055cc')
    expect([palette.accent.light, palette.button.light, palette.button.dark]).toEqual(['#0055cc', '#0055cc', '#0055cc'])
    expect(adapted.map(({ scheme }) => scheme)).toEqual(['dark'])
  })

  test('a bright yellow stays on buttons with dark text, and is darker only where it is text on a light page', () => {
    const { palette, adapted } = paletteOf('#FFE600')
    expect(palette.button).toEqual({ light: '#ffe600', dark: '#ffe600' })
    expect(palette.accent.dark).toBe('#ffe600')
    expect(adapted).toEqual([{ scheme: 'light', colour: palette.accent.light }])
  })

  test('a nearly black accent is nearly white on a dark page, buttons included', () => {
    const { palette, adapted } = paletteOf('#0a0a0a')
    expect(palette.button.light).toBe('#0a0a0a')
    expect(contrast(rgb(palette.button.dark), rgb(palette.paper.dark))).toBeGreaterThan(7)
    expect(adapted).toEqual([{ scheme: 'dark', colour: palette.accent.dark }])
  })
})
