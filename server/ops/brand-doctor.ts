import type { Brand } from '../config/brand-settings.ts'
import { type Finding, ok, warn } from './finding.ts'

/** How the site presents itself, and what of its accent could not be shown as it is. */
export function judgeBrand(brand: Pick<Brand, 'name' | 'own' | 'accent' | 'adapted'>): Finding[] {
  return [...(brand.own ? [ok(`Presents itself as ${brand.name}`)] : []), ...judgeAccent(brand)]
}

export function judgeAccent({ accent, adapted }: Pick<Brand, 'accent' | 'adapted'>): Finding[] {
  return adapted.map(({ scheme, colour }) =>
    warn(
      `The accent ${accent} is hard to read on a ${scheme} page, so links and focus rings use ${colour} there`,
      'Choose another accent if you want the same colour everywhere. Buttons keep it where they can.',
    ),
  )
}
