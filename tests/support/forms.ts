import type { Page } from 'playwright-core'
import { hydrated } from './chromium.ts'
import type { Person } from './people.ts'

/** The form that posts there. Forms are found by what they do, not by what they are called in some language. */
export const formTo = (page: Page, action: string) => page.locator(`form[action="${action}"]`)

/** Types into a form's fields by name and sends it. Does not wait for what comes of it. */
export async function send(page: Page, action: string, fields: Record<string, string>): Promise<void> {
  const form = formTo(page, action)
  for (const [name, value] of Object.entries(fields)) await form.locator(`[name="${name}"]`).fill(value)
  await form.locator('button[type=submit]').click()
}

export async function signInByForm(page: Page, person: Person, at = '/sign-in'): Promise<void> {
  if (!page.url().includes('/sign-in')) await page.goto(at)
  await hydrated(page)
  await send(page, '/auth/login', { email: person.email, password: person.password })
  await page.waitForURL(url => url.pathname !== '/sign-in')
}

export async function signOutByForm(page: Page): Promise<void> {
  await formTo(page, '/auth/logout').first().locator('button[type=submit]').click()
  await page.waitForURL('**/signed-out')
}
