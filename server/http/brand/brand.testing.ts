import type { BrandImage } from '../../config/brand-images.ts'
import { type Brand, toBrand } from '../../config/brand-settings.ts'

export const SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 20"><script>alert(1)</script></svg>'
export const svg = (width: number, height: number, content = SVG): BrandImage => ({
  type: 'image/svg+xml',
  content: Buffer.from(content),
  width,
  height,
})
export const png = (side: number): BrandImage => ({
  type: 'image/png',
  content: Buffer.from('png'),
  width: side,
  height: side,
})
/** A brand whose name has to be escaped. */
export const acme = (more: Partial<Brand> = {}): Brand => ({
  ...toBrand({ name: 'Acme & <Sons>', accent: '#0055cc' }),
  ...more,
})
