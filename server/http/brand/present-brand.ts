import { createHash } from 'node:crypto'
import type { BrandImage } from '../../config/brand-images.ts'
import type { Brand } from '../../config/brand-settings.ts'
import { type ColourName, DEFAULT_PALETTE, type Palette } from '../../config/palette.ts'
import {
  type BrandLink,
  type BrandLogo,
  type BrandPicture,
  DEFAULT_BRAND,
  type SiteBrand,
} from '../../contract/brand.ts'
import { ASSETS_PREFIX } from '../request/path-family.ts'
import { monogram } from './monogram.ts'

export interface BrandFile {
  type: string
  content: Buffer
}

/** @property files what the pages of the brand load, by path */
export interface PresentedBrand {
  page: SiteBrand
  files: ReadonlyMap<string, BrandFile>
}

/** From this ratio of width to height, a logo has the name in it. */
const WORDMARK = 1.75
/** A logo within this ratio of width to height is a good icon, too. */
const SQUARE = 1.25
/** The least size of a picture that a phone shows on its home screen, in pixels. */
const TOUCH_ICON_PIXELS = 120
const ENDINGS = { 'image/svg+xml': 'svg', 'image/png': 'png', 'application/manifest+json': 'webmanifest' } as const
/** Where browsers look for an icon that no page named. */
const USUAL_ICONS = ['/favicon.ico', '/favicon.svg']

/**
 * What pages show of the brand and load for it, made once at start.
 * @param ownPages whether our pages are the only ones: otherwise the site's icons and manifest are the front end's
 */
export function presentBrand(brand: Brand, ownPages: boolean): PresentedBrand {
  const { name, own, links, palette } = brand
  const files = new Map<string, BrandFile>()
  const serve = (type: keyof typeof ENDINGS, content: Buffer): string => {
    const hash = createHash('sha256').update(content).digest('base64url').slice(0, 22)
    const path = `${ASSETS_PREFIX}brand/${hash}.${ENDINGS[type]}`
    files.set(path, { type, content })
    return path
  }
  const pictureOf = (image: BrandImage): BrandPicture => ({
    src: serve(image.type, image.content),
    width: image.width,
    height: image.height,
  })
  const logoOf = ({ light, dark }: NonNullable<Brand['logo']>): BrandLogo => ({
    light: pictureOf(light),
    dark: pictureOf(dark),
    alone: light.width / light.height >= WORDMARK,
  })
  const logo = brand.logo && logoOf(brand.logo)
  const icons = own ? iconsOf(brand) : null
  const head = icons === null ? (ownPages ? DEFAULT_BRAND.head : []) : iconLinks(icons, serve)
  if (icons !== null && ownPages) {
    for (const path of USUAL_ICONS) files.set(path, icons.light)
    head.push({ rel: 'manifest', href: serve('application/manifest+json', manifestOf(brand, head)) })
  }
  const page = { name, own, logo, paper: palette.paper, links, head, styles: stylesOf(palette) }
  return { page, files }
}

interface Icons {
  light: BrandImage
  dark: BrandImage
}

function iconsOf({ name, icon, logo, palette }: Brand): Icons {
  if (icon !== null) return { light: icon, dark: icon }
  if (logo !== null && isSquare(logo.light) && isSquare(logo.dark)) return logo
  const made = monogram(name, palette)
  return { light: made, dark: made }
}

function isSquare({ width, height }: BrandImage): boolean {
  return Math.max(width, height) / Math.min(width, height) <= SQUARE
}

function iconLinks({ light, dark }: Icons, serve: (type: BrandImage['type'], content: Buffer) => string): BrandLink[] {
  const link = (image: BrandImage): BrandLink => ({
    rel: 'icon',
    type: image.type,
    href: serve(image.type, image.content),
    sizes: sizesOf(image),
  })
  const icons =
    light === dark
      ? [link(light)]
      : [
          { ...link(light), media: '(prefers-color-scheme: light)' },
          { ...link(dark), media: '(prefers-color-scheme: dark)' },
        ]
  // Phones take no SVG for their home screens.
  const isForPhones = light.type === 'image/png' && Math.min(light.width, light.height) >= TOUCH_ICON_PIXELS
  return isForPhones
    ? [...icons, { rel: 'apple-touch-icon', href: serve(light.type, light.content), sizes: sizesOf(light) }]
    : icons
}

function sizesOf({ type, width, height }: BrandImage): string {
  return type === 'image/svg+xml' ? 'any' : `${width}x${height}`
}

/** @see W3C Web Application Manifest; `browser`: the site stays an ordinary page with an address */
function manifestOf({ name, palette }: Brand, head: readonly BrandLink[]): Buffer {
  const icons = head
    .filter(({ rel, media }) => rel === 'icon' && media !== '(prefers-color-scheme: dark)')
    .map(({ href, type, sizes }) => ({ src: href, type, sizes }))
  const { light } = palette.paper
  return Buffer.from(
    JSON.stringify({ name, start_url: '/', display: 'browser', background_color: light, theme_color: light, icons }),
  )
}

/** Stronger than the style sheet's own `:root`, in whichever order they load. */
function stylesOf(palette: Palette): string | null {
  if (palette === DEFAULT_PALETTE) return null
  const names = Object.keys(palette) as ColourName[]
  return `:root:root{${names.map(name => `--${name}:light-dark(${palette[name].light},${palette[name].dark})`).join(';')}}`
}
