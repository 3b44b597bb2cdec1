import { expect, test } from 'vitest'
import { signInAs, signOut, startPorchlight } from '../../server/testing.ts'
import { launchChromium } from '../support/chromium.ts'

const ADA = { email: 'ada@example.org' }

test('signInAs replaces whoever was signed in, and signOut clears what the button clears', async () => {
  const site = await startPorchlight()
  const browser = await launchChromium()
  try {
    const context = await browser.newContext({ baseURL: site.origin })
    const page = await context.newPage()
    expect(await signInAs(page, { ...ADA, name: 'Ada Lovelace', amr: ['hwk'] })).toMatchObject({
      user: { ...ADA, name: 'Ada Lovelace', roles: ['user'] },
      session: { amr: ['hwk'] },
    })
    await page.goto('/account')
    expect(await page.content()).toContain('Ada Lovelace')
    await signInAs(context, { email: 'grace@example.org', roles: ['admin'] })
    await page.goto('/people')
    expect(await page.content()).toContain('grace@example.org')
    await signOut(page)
    expect((await page.goto('/account'))?.url()).toContain('/sign-in')
    const other = await browser.newContext()
    await expect(signInAs(other, ADA)).rejects.toThrow('which site? Give { origin }')
    expect(await signInAs(other.request, ADA, site)).toMatchObject({ user: ADA })
    const opened = await other.newPage()
    await opened.goto(`${site.origin}/account`)
    await signOut(opened)
    expect(await other.cookies()).toMatchObject([{ name: 'porchlight-device' }])
  } finally {
    await browser.close()
    await site.close()
  }
})
