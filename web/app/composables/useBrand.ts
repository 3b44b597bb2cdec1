import { DEFAULT_BRAND, type PageBrand } from '#contract/brand.ts'

/** The name and look of this site, put into the page by plugins/brand.ts. A page made without a visitor has ours. */
export const useBrand = () =>
  useState<PageBrand>('brand', () => {
    const { head: _head, styles: _styles, ...page } = DEFAULT_BRAND
    return page
  })
