import * as v from 'valibot'
import { BRAND_LINKS, type BrandLinks } from '../contract/brand.ts'
import { DISPLAY_NAME } from '../contract/name.ts'

const MAX_NAME_LENGTH = 40
const MAX_LINK_LENGTH = 500

const BRAND_FORM = `a group of fields such as { name: 'Acme', links: { privacy: '/privacy' } } (in the environment as JSON)`
const NAME_FORM = `a name of 1 to ${MAX_NAME_LENGTH} characters in one line`
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

/** The setting `brand`, as an operator writes it. */
export const BrandSetting = v.strictObject(
  {
    name: v.exactOptional(v.pipe(v.string(NAME_FORM), v.check(isName, NAME_FORM))),
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
)
export type BrandSetting = v.InferOutput<typeof BrandSetting>

/** What stands for this site wherever people meet it: pages, titles, mail, authenticator apps. */
export interface Brand {
  name: string
  /** Whether the site has a name or a logo of its own. */
  own: boolean
  links: BrandLinks
}

export function toBrand(setting: BrandSetting = {}): Brand {
  const { name, links = {} } = setting
  return { name: name === undefined ? DISPLAY_NAME : plainName(name), own: name !== undefined, links }
}
