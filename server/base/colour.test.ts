import { describe, expect, test } from 'vitest'
import { contrast, fromOklch, parseHex, type Rgb, toHex, toOklch } from './colour.ts'

const rgb = (hex: string) => parseHex(hex) as Rgb

describe('colours', () => {
  test('are read with three or six digits, and nothing else is', () => {
    expect(toHex(rgb('#Fa0'))).toBe('#ffaa00')
    expect(toHex(rgb('#0B3d91'))).toBe('#0b3d91')
    for (const wrong of ['', 'red', '#12', '#1234', '#12345g', '0b3d91', '#0b3d91ff', ' #fff', 'oklch(0.5 0.1 20)'])
      expect(parseHex(wrong)).toBeNull()
  })

  test.each([
    ['#000000', '#ffffff', 21],
    ['#767676', '#ffffff', 4.54],
    ['#777777', '#ffffff', 4.48],
    ['#ff0000', '#ffffff', 4],
    ['#0000ff', '#ffffff', 8.59],
  ])('WCAG 2.2 the contrast of %s and %s is %f, whichever comes first', (one, other, ratio) => {
    expect(contrast(rgb(one), rgb(other))).toBeCloseTo(ratio, 2)
    expect(contrast(rgb(other), rgb(one))).toBeCloseTo(ratio, 2)
  })

  test('survive the way to OKLCH and back', () => {
    for (let n = 0; n < 0xff_ff_ff; n += 65_777) {
      const hex = `#${n.toString(16).padStart(6, '0')}`
      expect(toHex(fromOklch(toOklch(rgb(hex))))).toBe(hex)
    }
  })

  test('outside of sRGB lose saturation, and keep lightness and hue', () => {
    const { l, c, h } = toOklch(fromOklch({ l: 0.6, c: 0.4, h: 140 }))
    expect(l).toBeCloseTo(0.6, 2)
    expect(h).toBeCloseTo(140, 0)
    expect(c).toBeLessThan(0.25)
  })
})
