import type { BrandImage } from '../../config/brand-images.ts'
import type { Palette } from '../../config/palette.ts'

const SIZE = 64

/** The first character of a name on the colour of its buttons: an icon for a site without a square logo. */
export function monogram(name: string, { button, 'on-button': onButton }: Palette): BrandImage {
  const [first] = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(name)
  const letter = (first?.segment ?? '').toLocaleUpperCase()
  const font = 'font-family="system-ui,sans-serif" font-weight="600" font-size="38"'
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${SIZE}"><rect width="${SIZE}" height="${SIZE}" rx="14" fill="${button.light}"/><text x="50%" y="50%" dy=".36em" text-anchor="middle" ${font} fill="${onButton.light}">${escapeXml(letter)}</text></svg>`
  return { type: 'image/svg+xml', content: Buffer.from(svg), width: SIZE, height: SIZE }
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
