import { type Answer, Visitor } from '../../tests/support/client.ts'

const STEPS_MAX = 20

/**
 * Signs in at a relay whose OpenID provider is the local one, as a browser would: follows every redirect, sends every
 * form.
 * @returns the Cookie header for the relay
 * @throws Error when it does not come back to the page it began at
 */
export async function signInThroughProvider(start: string): Promise<string> {
  const browsers = new Map<string, Visitor>()
  const browserOf = ({ origin }: URL) => {
    const browser = browsers.get(origin) ?? new Visitor(origin)
    browsers.set(origin, browser)
    return browser
  }
  let url = new URL(start)
  let answer: Answer = await browserOf(url).page(url.pathname + url.search)
  for (let step = 0; step < STEPS_MAX; step++) {
    const { location } = answer.headers
    const action = /<form[^>]* action="([^"]+)"/.exec(answer.text)?.[1]
    if (location !== undefined) {
      url = new URL(location, url)
      answer = await browserOf(url).page(url.pathname + url.search)
    } else if (action !== undefined) {
      url = new URL(action.replaceAll('&amp;', '&'), url)
      answer = await browserOf(url).form(url.pathname + url.search, {
        ...hiddenFields(answer.text),
        login: 'robin',
        password: 'anything',
      })
    } else if (answer.status === 200 && url.href === start) {
      return browserOf(url).jar.header() ?? ''
    } else {
      break
    }
  }
  throw new Error(
    `signing in ended at ${url.origin}${url.pathname} with ${answer.status}: ${answer.text.slice(0, 200)}`,
  )
}

function hiddenFields(html: string): Record<string, string> {
  return Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )
}
