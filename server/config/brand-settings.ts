import * as v from 'valibot'
import { BRAND_LINKS, type BrandLinks } from '../contract/brand.ts'
import { parseHex, toHex } from '../base/colour.ts'
import { DISPLAY_NAME } from '../contract/name.ts'
import { type BrandImage, readBrandImage } from './brand-images.ts'
import { type Adaptation, DEFAULT_PALETTE, type Palette, paletteOf } from './palette.ts'

const MAX_NAME_LENGTH = 40
const MAX_LINK_LENGTH = 500

const BRAND_FORM = `a group of fields such as { name: 'Acme', logo: 'acme.svg', accent: '#0055cc' } (in the environment as JSON)`
const NAME_FORM = `a name of 1 to ${MAX_NAME_LENGTH} characters in one line`
const PATH_FORM = 'the path of an SVG or PNG file'
const LOGO_FORM = `${PATH_FORM}, or { light, dark } with one for each theme`
const ACCENT_FORM = 'a colour such as #0055cc'
const LINKS_FORM = `links to ${BRAND_LINKS.join(', ')}`
const LINK_FORM = 'an https address or a path of this site, such as /privacy'
const SUPPORT_FORM = 'an https address, a path of this site, such as /help, or mailto:help@example.org'

/** Control characters, line ends, and characters that would change the direction of the text around the name. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u

const plainName = (name: string) => name.normalize('NFC').trim()

function isName(text: string): boolean {
  const name = plainName(text)
  return text.isWellFormed() && VISIBLE.test(name) && !UNPRINTABLE.test(name) && [...name].length <= MAX_NAME_LENGTH
}

/** Only what leads from an https page to a page: no script, and nothing that a browser reads as another origin. */
function isLink(text: string): boolean {
  if (text.length > MAX_LINK_LENGTH || /[\s\\\p{Cc}]/u.test(text)) return false
  if (text.startsWith('/')) return !text.startsWith('//')
  return text.startsWith('https://') && URL.canParse(text) && new URL(text).username === ''
}

const isMailLink = (text: string) => text.length <= MAX_LINK_LENGTH && /^mailto:[^\s@\\]+@[^\s@\\]+$/.test(text)

const link = (expected: string, isRight: (text: string) => boolean) =>
  v.exactOptional(v.pipe(v.string(expected), v.check(isRight, expected)))

const path = (expected: string) => v.pipe(v.string(expected), v.minLength(1, expected))

/** The setting `brand`, as an operator writes it. */
export const BrandSetting = v.pipe(
  v.strictObject(
    {
      name: v.exactOptional(v.pipe(v.string(NAME_FORM), v.check(isName, NAME_FORM))),
      logo: v.exactOptional(
        v.union([path(LOGO_FORM), v.strictObject({ light: path(PATH_FORM), dark: path(PATH_FORM) })], LOGO_FORM),
      ),
      icon: v.exactOptional(path(PATH_FORM)),
      accent: v.exactOptional(
        v.pipe(
          v.string(ACCENT_FORM),
          v.check(value => parseHex(value) !== null, ACCENT_FORM),
        ),
      ),
      links: v.exactOptional(
        v.strictObject(
          {
            terms: link(LINK_FORM, isLink),
            privacy: link(LINK_FORM, isLink),
            support: link(SUPPORT_FORM, text => isLink(text) || isMailLink(text)),
          },
          LINKS_FORM,
        ),
      ),
    },
    BRAND_FORM,
  ),
  v.check(
    ({ name, logo, icon }) => name !== undefined || (logo === undefined && icon === undefined),
    'a name beside the logo, for titles and for people who cannot see it',
  ),
)
export type BrandSetting = v.InferOutput<typeof BrandSetting>

/** What stands for this site wherever people meet it: pages, titles, mail, authenticator apps. */
export interface Brand {
  name: string
  /** Whether the site has a name of its own, and perhaps a logo. */
  own: boolean
  /** One for each colour scheme, which may be the same. */
  logo: { light: BrandImage; dark: BrandImage } | null
  /** A picture for tabs and home screens; null: made of the logo or the name. */
  icon: BrandImage | null
  /** As configured; null: our own colours. */
  accent: string | null
  palette: Palette
  /** Where the accent was too pale or too dark for text. */
  adapted: readonly Adaptation[]
  links: BrandLinks
}

export interface BrandFiles {
  /** The folder that relative paths start from. */
  folder: string
  refuse(field: string, received: string, expected: string): void
}

const NO_FILES: BrandFiles = { folder: '', refuse: () => {} }

/** @param files a setting without pictures needs none */
export function toBrand(setting: BrandSetting = {}, files: BrandFiles = NO_FILES): Brand {
  const { name, logo, icon, accent, links = {} } = setting
  const colours = accent === undefined ? { palette: DEFAULT_PALETTE, adapted: [] } : paletteOf(accent)
  return {
    name: name === undefined ? DISPLAY_NAME : plainName(name),
    own: name !== undefined,
    logo: logo === undefined ? null : logoOf(logo, files),
    icon: icon === undefined ? null : imageOf('icon', icon, files),
    accent: accent === undefined ? null : toHex(parseHex(accent) ?? [0, 0, 0]),
    ...colours,
    links,
  }
}

function logoOf(logo: string | { light: string; dark: string }, files: BrandFiles): Brand['logo'] {
  const isPair = typeof logo !== 'string'
  const light = imageOf(isPair ? 'logo.light' : 'logo', isPair ? logo.light : logo, files)
  const dark = isPair ? imageOf('logo.dark', logo.dark, files) : light
  return light === null || dark === null ? null : { light, dark }
}

function imageOf(field: string, path: string, { folder, refuse }: BrandFiles): BrandImage | null {
  const image = readBrandImage(path, folder)
  if (!('failure' in image)) return image
  refuse(field, JSON.stringify(path), `${PATH_FORM} (${image.failure})`)
  return null
}
