import { type Answer, Visitor } from './client.ts'
import type { ProviderPerson } from './provider-pages.ts'
import type { RegisteredClient } from './provider-client.ts'

/** What a site's administrator writes into our configuration for a provider. */
export function providerSetting(
  id: string,
  issuer: string,
  client: RegisteredClient,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return { id, kind: 'oidc', issuer, ...client, ...more }
}

/**
 * A person's browser at the provider: follows it from page to page, signs in where asked, and stops where it leaves the
 * provider again.
 * @returns the address that the provider sends the browser to
 */
export async function walkThroughProvider(
  there: Visitor,
  href: string,
  person: ProviderPerson | 'cancel',
): Promise<string> {
  let answer = await there.page(pathOf(href))
  for (let steps = 0; steps < 12; steps++) {
    const { location } = answer.headers
    if (location !== undefined) {
      const next = new URL(location, there.origin)
      if (next.origin !== there.origin) return next.href
      answer = await there.page(pathOf(next.href))
      continue
    }
    const form = /action="(\/interaction\/[^"]+)"/.exec(answer.text)?.[1]
    if (form === undefined || answer.text.includes('another password'))
      throw new Error(`the provider answers ${answer.status}: ${answer.text}`)
    answer = await there.form(
      form,
      person === 'cancel' ? { cancel: 'yes' } : { login: person.login, password: person.password },
    )
  }
  throw new Error('the provider goes round in circles')
}

export interface WayIn {
  /** The provider's id at the site, and its address. */
  as: string
  issuer: string
  person: ProviderPerson | 'cancel'
  returnTo?: string
  query?: string
  /** The person's browser at the provider, where it may be signed in already. */
  there?: Visitor
}

/**
 * A whole sign-in by a provider, as a browser without JavaScript does it.
 * @returns our answer to the callback
 */
export async function signInWith(browser: Visitor, way: WayIn): Promise<Answer> {
  const begun = await begin(browser, way)
  const back = await walkThroughProvider(way.there ?? new Visitor(way.issuer), begun, way.person)
  return comeBack(browser, back)
}

/**
 * Follows our link to the provider.
 * @returns the address there
 */
export async function begin(
  browser: Visitor,
  { as, returnTo = '/', query = '' }: Pick<WayIn, 'as' | 'returnTo' | 'query'>,
): Promise<string> {
  const answer = await browser.page(`/auth/login/${as}?returnTo=${encodeURIComponent(returnTo)}${query}`)
  if (answer.status !== 303 || answer.headers.location === undefined)
    throw new Error(`the sign-in does not begin: ${answer.status} ${answer.text}`)
  return answer.headers.location
}

/** Arrives at our callback from the provider's site. */
export function comeBack(browser: Visitor, href: string): Promise<Answer> {
  return browser.page(pathOf(href), { 'sec-fetch-site': 'cross-site' })
}

export function pathOf(href: string): string {
  const { pathname, search } = new URL(href)
  return pathname + search
}
