import { expect, test } from 'vitest'
import { toBrand } from '../config/brand-settings.ts'
import { judgeBrand } from './brand-doctor.ts'

test('a site without a brand has nothing to report', () => {
  expect(judgeBrand(toBrand())).toEqual([])
})

test('an accent that had to be adapted is reported with both colours and the theme', () => {
  const [site, light, ...more] = judgeBrand(toBrand({ name: 'Acme', accent: '#FFE600' }))
  expect(site).toEqual({ state: 'ok', what: 'Presents itself as Acme', advice: null })
  expect(light).toMatchObject({
    state: 'warn',
    what: expect.stringMatching(
      /^The accent #ffe600 is hard to read on a light page, so links and focus rings use #[\da-f]{6} there$/,
    ) as string,
  })
  expect(more).toEqual([])
})
