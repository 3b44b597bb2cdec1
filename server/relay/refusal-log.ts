import { type Clock, MINUTE, SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { withoutPersonalData } from '../base/personal-data.ts'
import { createRate } from '../base/rate.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { withoutSecrets } from '../providers/call-failure.ts'
import { elementsOf } from './header-list.ts'
import { joined } from './response-headers.ts'
import type { UpstreamHeaders } from './types.ts'

const DESCRIPTION_MAX = 200
/** The rest of a parameter is not read: the pattern takes quadratic time. */
const ELEMENT_MAX = 1000
/** An upstream that refuses everything says so once a minute, and not once a call. */
const ONCE_A_MINUTE = { burst: 1, perSecond: SECOND / MINUTE }
const PARAMETER = /^(?:bearer[ \t]+)?(error|error_description)[ \t]*=[ \t]*"?([^"]*)"?$/i

/** Logs why an upstream refused a token, since a browser is only told that it did. */
export function createRefusalLog({ clock, log }: { clock: Clock; log: Log }) {
  const rate = createRate(clock, ONCE_A_MINUTE)
  return ({ name, audience }: Upstream, answered: UpstreamHeaders, token: string): void => {
    if (rate.take(name) > 0) return
    const { error, error_description: why } = reasonOf(answered, token)
    log.warn({ event: 'upstream_refused_token', upstream: name, audience, error, why }, 'an upstream refused its token')
  }
}

/**
 * What the Bearer challenge says, without the token, which a provider may have issued in any form.
 * @see RFC 6750 §3
 */
function reasonOf(answered: UpstreamHeaders, token: string): { error?: string; error_description?: string } {
  const challenge = answered['www-authenticate']
  const reason: Record<string, string> = {}
  for (const element of challenge === undefined ? [] : (elementsOf(joined(challenge), false) ?? [])) {
    const [, name, value] = PARAMETER.exec(element.slice(0, ELEMENT_MAX)) ?? []
    if (name !== undefined && value !== undefined)
      reason[name.toLowerCase()] ??= withoutPersonalData(withoutSecrets(value, [token])).slice(0, DESCRIPTION_MAX)
  }
  return reason
}
