import { DISPLAY_NAME } from './name.ts'

/** What the footer of every page may link to. */
export const BRAND_LINKS = ['terms', 'privacy', 'support'] as const
export type BrandLinks = Partial<Record<(typeof BRAND_LINKS)[number], string>>

/** @property src a path of this site, whose name contains a hash of the content */
export interface BrandPicture {
  src: string
  width: number
  height: number
}

/** @property alone the logo is wide, so it has the name in it */
export interface BrandLogo {
  light: BrandPicture
  dark: BrandPicture
  alone: boolean
}

/** What a page knows of the site's brand, in the browser as well. */
export interface PageBrand {
  /** Stands in titles and headers as it is: plain text in any script. */
  name: string
  /** Whether the site has a name of its own; otherwise the pages show ours, and the lamp. */
  own: boolean
  /** null: the name stands alone. */
  logo: BrandLogo | null
  /** The colour of the page itself, for the bars of a phone. */
  paper: { light: string; dark: string }
  links: BrandLinks
}

/** An icon or a manifest in the head of a page. */
export interface BrandLink {
  rel: 'icon' | 'apple-touch-icon' | 'manifest'
  href: string
  type?: string
  sizes?: string
  media?: string
}

/** What the server puts into the pages of a brand. */
export interface SiteBrand extends PageBrand {
  head: BrandLink[]
  /** A style sheet that replaces colours of the pages; null: ours. */
  styles: string | null
}

/** The page's own colour without a brand, as `--paper` in web/app/assets/styles/tokens.css. */
export const PAPER = { light: '#faf7f1', dark: '#15120f' } as const

export const DEFAULT_BRAND: SiteBrand = {
  name: DISPLAY_NAME,
  own: false,
  logo: null,
  paper: PAPER,
  links: {},
  head: [{ rel: 'icon', type: 'image/svg+xml', href: '/favicon.svg' }],
  styles: null,
}
