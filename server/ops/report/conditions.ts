import { DAY } from '../../base/clock.ts'
import { isLoopback, isWide } from '../../config/address.ts'
import { everyUpstream, plainHttpElsewhere } from '../../config/plain-http.ts'
import type { Config } from '../../config/types.ts'
import type { Upstream } from '../../config/upstream-config.ts'
import { type Facts, notApplicable, notMet, type Outcome, untold } from './requirement.ts'

// What many requirements depend on, so that they are judged alike.

/** A list in a sentence, kept short. */
export const names = (items: readonly string[]) =>
  items.length <= 5 ? items.join(', ') : `${items.slice(0, 5).join(', ')} and ${items.length - 5} more`

const HTTPS = 'Put a proxy with TLS in front, and set PORCHLIGHT_PUBLIC_URL to its https address.'

/** What only holds over https. */
export function overHttps({ config }: Facts, holds: () => Outcome): Outcome {
  if (config.secureCookies) return holds()
  return config.loopback
    ? notMet('The public URL is plain http on this machine', `Fine for trying it out. ${HTTPS}`)
    : notMet('The public URL is plain http', HTTPS)
}

/** What depends on passwords that are kept here. */
export function withPasswords({ config }: Facts, holds: () => Outcome): Outcome {
  return config.tokenApi === null ? holds() : notApplicable(`Passwords are kept by ${config.tokenApi.name}`)
}

/** What depends on providers that people sign in at. */
export function withProviders({ config }: Facts, holds: () => Outcome): Outcome {
  return config.providers.length > 0 ? holds() : notApplicable('There are no identity providers')
}

/** What depends on APIs and apps behind. */
export function withUpstreams({ config }: Facts, holds: (upstreams: Upstream[]) => Outcome): Outcome {
  const all = everyUpstream(config)
  return all.length > 0 ? holds(all) : notApplicable('There are no upstreams')
}

/** What our own pages do; a front end of yours does it or not. */
export function withOwnPages({ config }: Facts, holds: () => Outcome): Outcome {
  return config.site.kind === 'own' ? holds() : untold('Holds for our pages. Look at those of your own front end, too.')
}

/** What depends on the address of a client. */
export function withAddresses({ config }: Facts, holds: () => Outcome): Outcome {
  const wide = config.trustedProxies.filter(isWide)
  if (wide.length > 0)
    return notMet(
      `${names(wide)} is a large part of the internet, and may forge addresses`,
      "List only your proxy's address in PORCHLIGHT_TRUSTED_PROXIES.",
    )
  if (!config.loopback && config.trustedProxies.length === 0 && config.hosts.some(host => !isLoopback(host)))
    return untold(
      'No proxies are trusted, which is right if clients connect directly. Otherwise all share one address.',
    )
  return holds()
}

/** Who gets tokens or passwords without encryption, beyond this machine. */
export function plainTargets({ providers, tokenApi, mail, ...config }: Config): string[] {
  const others = [
    ...providers.map(({ id, issuer, endpoints }) => ({ id, url: endpoints?.token ?? issuer })),
    ...(tokenApi === null ? [] : [{ id: tokenApi.name, url: tokenApi.url }]),
  ]
  return [
    ...plainHttpElsewhere(everyUpstream(config)).map(({ name }) => name),
    ...others.filter(({ url }) => isPlain(url)).map(({ id }) => id),
    ...(mail?.server.tls === 'none' && !isLoopback(mail.server.host) ? ['mail'] : []),
  ]
}

/** An issuer of an OAuth provider may be a name that is no address. */
function isPlain(url: string): boolean {
  const parsed = URL.parse(url)
  return parsed?.protocol === 'http:' && !isLoopback(parsed.hostname)
}

export const days = (ms: number) => `${Math.round((ms / DAY) * 10) / 10} days`
