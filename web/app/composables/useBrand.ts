import { DEFAULT_BRAND, type SiteBrand } from '#contract/brand.ts'

/** The name and look of this site, put into the page by plugins/brand.ts. A page made without a visitor has ours. */
export const useBrand = () => useState<SiteBrand>('brand', () => DEFAULT_BRAND)
