/** A colour of sRGB, each part 0 to 1. */
export type Rgb = readonly [red: number, green: number, blue: number]
/** The same by lightness (0 to 1), chroma (0: grey) and hue in degrees: equal steps look equal. */
export interface Oklch {
  l: number
  c: number
  h: number
}

/** @param hex `#rgb` or `#rrggbb`; null for anything else */
export function parseHex(hex: string): Rgb | null {
  const digits = /^#([\da-f]{3}|[\da-f]{6})$/i.exec(hex)?.[1]
  if (digits === undefined) return null
  const part = (at: number) =>
    digits.length === 3
      ? parseInt(digits.charAt(at).repeat(2), 16) / 255
      : parseInt(digits.slice(at * 2, at * 2 + 2), 16) / 255
  return [part(0), part(1), part(2)]
}

export function toHex(rgb: Rgb): string {
  return `#${rgb
    .map(part =>
      Math.round(part * 255)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`
}

const toLinear = (part: number) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
const fromLinear = (part: number) => (part <= 0.0031308 ? part * 12.92 : 1.055 * part ** (1 / 2.4) - 0.055)

/**
 * How well two colours can be told apart: 1 to 21.
 * @see WCAG 2.2, contrast ratio
 */
export function contrast(one: Rgb, other: Rgb): number {
  const [a, b] = [luminance(one), luminance(other)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

function luminance(rgb: Rgb): number {
  const [red, green, blue] = rgb.map(toLinear) as unknown as Rgb
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** @see CSS Color 4 §9.3, Oklab */
export function toOklch(rgb: Rgb): Oklch {
  const [red, green, blue] = rgb.map(toLinear) as unknown as Rgb
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
  const middle = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
  const l = 0.2104542553 * long + 0.793617785 * middle - 0.0040720468 * short
  const a = 1.9779984951 * long - 2.428592205 * middle + 0.4505937099 * short
  const b = 0.0259040371 * long + 0.7827717662 * middle - 0.808675766 * short
  return { l, c: Math.hypot(a, b), h: ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360 }
}

/** The colour, or the most saturated one of its lightness and hue that sRGB has. */
export function fromOklch({ l, c, h }: Oklch): Rgb {
  const whole = linearOf({ l, c, h })
  if (isInside(whole)) return encoded(whole)
  let [inside, outside] = [0, c]
  for (let step = 0; step < 20; step++) {
    const middle = (inside + outside) / 2
    if (isInside(linearOf({ l, c: middle, h }))) inside = middle
    else outside = middle
  }
  return encoded(linearOf({ l, c: inside, h }))
}

function linearOf({ l, c, h }: Oklch): Rgb {
  const a = c * Math.cos((h * Math.PI) / 180)
  const b = c * Math.sin((h * Math.PI) / 180)
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const middle = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short,
  ]
}

const ROUNDING = 1e-4
const isInside = (rgb: Rgb) => rgb.every(part => part >= -ROUNDING && part <= 1 + ROUNDING)
const encoded = (rgb: Rgb) => rgb.map(part => Math.min(1, Math.max(0, fromLinear(part)))) as unknown as Rgb
