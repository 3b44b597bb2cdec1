import type { PageBrand } from '#contract/brand.ts'

/** The name and look of this site. plugins/brand.ts puts it into every page, with or without a visitor. */
export const useBrand = () => useState<PageBrand>('brand')
