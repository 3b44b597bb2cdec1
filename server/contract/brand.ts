import { DISPLAY_NAME } from './name.ts'

/** What the footer of every page may link to. */
export const BRAND_LINKS = ['terms', 'privacy', 'support'] as const
export type BrandLinks = Partial<Record<(typeof BRAND_LINKS)[number], string>>

/** What pages show of the site's brand. */
export interface SiteBrand {
  /** Stands in titles and headers as it is: plain text in any script. */
  name: string
  /** Whether the site has a name or a logo of its own; otherwise the pages show ours, the lamp. */
  own: boolean
  links: BrandLinks
}

export const DEFAULT_BRAND: SiteBrand = { name: DISPLAY_NAME, own: false, links: {} }
