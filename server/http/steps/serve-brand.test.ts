import { brotliDecompressSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { type Running, startApp, CONFIG } from '../../../tests/support/app.ts'
import { acme, png, SVG, svg } from '../brand/brand.testing.ts'
import { type Brand, toBrand } from '../../config/brand-settings.ts'
import { presentBrand } from '../brand/present-brand.ts'

let app: Running
afterEach(() => app.close())
async function start(brand: Brand): Promise<string[]> {
  app = await startApp({ config: { ...CONFIG, brand } })
  return [...presentBrand(brand, true).files.keys()]
}

describe('the files of a brand', () => {
  test('the logo has a name by its content, may be kept for ever, and runs no script when it is opened as a page', async () => {
    const brand = acme({ logo: { light: svg(120, 20), dark: svg(120, 20, SVG.replace('1)', '2)')) } })
    const [light = '', dark = ''] = await start(brand)
    const { status, headers, body } = await app.ask(light)
    expect(light).toMatch(/^\/_porchlight\/brand\/[\w-]{22}\.svg$/)
    expect(dark).not.toBe(light)
    expect([status, body]).toEqual([200, SVG])
    expect(headers).toMatchObject({
      'content-type': 'image/svg+xml',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      vary: 'Accept-Encoding',
    })
  })

  test('an SVG is sent compressed to whom it suits, and a PNG as it is', async () => {
    const brand = acme({ logo: { light: svg(120, 20), dark: svg(120, 20) }, icon: png(64) })
    const paths = await start(brand)
    const [vector = '', pixels = ''] = [/\.svg$/, /brand\/.*\.png$/].map(ending =>
      paths.find(path => ending.test(path)),
    )
    const small = await app.ask(vector, { headers: { 'accept-encoding': 'br' }, binary: true })
    expect(small.headers['content-encoding']).toBe('br')
    expect(brotliDecompressSync(Buffer.from(small.body, 'latin1')).toString()).toBe(SVG)
    const { headers } = await app.ask(pixels, { headers: { 'accept-encoding': 'br' } })
    expect([headers['content-type'], headers['content-encoding']]).toEqual(['image/png', undefined])
  })

  test('nothing else is below their folder, and without a brand nothing at all', async () => {
    await start(acme())
    for (const path of ['/_porchlight/brand/', '/_porchlight/brand/x.svg', '/_porchlight/brand/../brand'])
      expect((await app.ask(path)).status).toBeGreaterThanOrEqual(400)
    expect([...presentBrand(toBrand(), true).files]).toEqual([])
  })
})
