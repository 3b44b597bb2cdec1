import { describe, expect, test } from 'vitest'
import { policyOf, withSources } from './page-policy.ts'
import { PAGE_POLICY } from './security-headers.ts'

const NONCE = { scripts: "'nonce-abc'", styles: "'nonce-abc'", handlers: '' }
const NOTHING = { scripts: '', styles: '', handlers: '' }

/** The sources of one directive. */
function sourcesOf(policy: string, directive: string): string | undefined {
  const found = policy.split('; ').find(one => one.split(' ')[0] === directive)
  return found?.split(' ').slice(1).join(' ')
}

describe('a policy with sources to add', () => {
  const base = "default-src 'self'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; object-src 'none'"

  test('keeps what it had, and everything that is not named', () => {
    const policy = policyOf(base, { 'script-src': ['https://a.example'] })({ ...NOTHING, scripts: "'sha256-x'" })
    expect(policy).toBe(
      "default-src 'self'; script-src 'self' 'sha256-x' https://a.example; style-src 'self' 'unsafe-inline'; object-src 'none'",
    )
  })

  test("a directive that was absent begins with what it inherited, and 'none' goes", () => {
    const policy = policyOf(base, { 'img-src': ['data:'], 'object-src': ['https://a.example'] })(NOTHING)
    expect(sourcesOf(policy, 'img-src')).toBe("'self' data:")
    expect(sourcesOf(policy, 'object-src')).toBe('https://a.example')
    expect(sourcesOf(policy, 'default-src')).toBe("'self'")
  })

  test('workers inherit from scripts, without nonces, which they cannot have', () => {
    const policy = policyOf(PAGE_POLICY, { 'worker-src': ['blob:'] })(NONCE)
    expect(sourcesOf(policy, 'worker-src')).toBe("'self' blob:")
    expect(sourcesOf(policyOf("child-src 'none'", { 'worker-src': ['blob:'] })(NOTHING), 'worker-src')).toBe('blob:')
  })

  test('a directive in parts gets them where they decide', () => {
    const policy = policyOf(PAGE_POLICY, { 'style-src': ['https://fonts.example'] })(NONCE)
    expect(sourcesOf(policy, 'style-src-elem')).toBe("'self' 'nonce-abc' https://fonts.example")
    expect(sourcesOf(policy, 'style-src-attr')).toBe("'unsafe-inline'")
    expect(sourcesOf(policy, 'style-src')).toBeUndefined()
  })

  test("'unsafe-inline' takes effect, since nonces and hashes that would disable it go", () => {
    const styles = policyOf(PAGE_POLICY, { 'style-src-elem': ["'unsafe-inline'"] })(NONCE)
    expect(sourcesOf(styles, 'style-src-elem')).toBe("'self' 'unsafe-inline'")
    const scripts = policyOf(base, { 'script-src': ["'unsafe-inline'"] })({ ...NOTHING, scripts: "'sha256-x'" })
    expect(sourcesOf(scripts, 'script-src')).toBe("'self' 'unsafe-inline'")
  })

  test('restricts nothing that was free: no directive is made where none applied', () => {
    const added = { 'img-src': ['https://a.example'], 'form-action': ['https://a.example'] }
    expect(withSources("script-src 'self'", added)).toBe("script-src 'self'")
    expect(withSources("default-src 'none'", { 'form-action': ['https://a.example'] })).toBe("default-src 'none'")
    expect(withSources("form-action 'self'", { 'form-action': ['https://a.example'] })).toBe(
      "form-action 'self' https://a.example",
    )
  })

  test('every policy of several gets them, each needs to consent; names in any case, the first of each counts', () => {
    expect(
      withSources(" IMG-SRC 'none';; img-src x ;default-src 'self', frame-ancestors 'none'", { 'img-src': ['data:'] }),
    ).toBe("img-src data:; default-src 'self', frame-ancestors 'none'")
  })
})

test('a whole policy replaces everything; the places of inline sources are filled, or go', () => {
  const whole = "default-src 'self'; script-src {scripts}; style-src 'self' {styles}; frame-ancestors *"
  const make = policyOf(PAGE_POLICY, whole)
  expect(make(NONCE)).toBe(
    "default-src 'self'; script-src 'nonce-abc'; style-src 'self' 'nonce-abc'; frame-ancestors *",
  )
  expect(make({ ...NOTHING, scripts: "'sha256-a' 'sha256-b'" })).toBe(
    "default-src 'self'; script-src 'sha256-a' 'sha256-b'; style-src 'self'; frame-ancestors *",
  )
})

describe('ASVS 3.4.6 what default-src does not cover, and a whole policy does not mention, is not open', () => {
  const make = (policy: string, ownPages: boolean) => policyOf(PAGE_POLICY, policy, ownPages)(NONCE)

  test('frames, for every page', () => {
    expect(make("default-src 'self';", false)).toBe("default-src 'self'; frame-ancestors 'none'")
    expect(make("img-src *, Frame-Ancestors 'self'", false)).toBe("img-src *, Frame-Ancestors 'self'")
    expect(make('frame-src *; report-uri /frame-ancestors', false)).toContain("; frame-ancestors 'none'")
  })

  test('the base of addresses and where forms go, for our pages, which take passwords', () => {
    expect(make('script-src {scripts}', true)).toBe(
      "script-src 'nonce-abc'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    expect(make("script-src {scripts}; form-action https://pay.example; base-uri 'self'", true)).toBe(
      "script-src 'nonce-abc'; form-action https://pay.example; base-uri 'self'; frame-ancestors 'none'",
    )
  })
})

test("event attributes get a directive of their own, where the page's scripts are trusted by hashes", () => {
  const inline = { ...NOTHING, handlers: "'sha256-h'" }
  expect(policyOf("script-src 'self' {scripts}", null)(inline)).toBe(
    "script-src 'self'; script-src-attr 'unsafe-hashes' 'sha256-h'",
  )
  const base = "default-src 'self'; script-src 'self' {scripts}"
  expect(policyOf(base, { 'script-src': ["'unsafe-inline'"] })(inline)).not.toContain('sha256-h')
  expect(policyOf(base, "script-src 'self'")(inline)).toBe("script-src 'self'")
  expect(policyOf(base, "script-src {scripts}; script-src-attr 'none'")(inline)).toBe(
    "script-src; script-src-attr 'none'",
  )
})
