import { type Clock, DAY, SECOND, type UnixMs } from '../base/clock.ts'
import { everyUpstream, plainHttpElsewhere } from '../config/plain-http.ts'
import { validityOf } from '../config/tls-setting.ts'
import type { Config } from '../config/types.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { dial } from '../relay/dial.ts'
import { isTlsFailure } from '../relay/upstream-failures.ts'
import { fail, type Finding, ok, warn } from './finding.ts'

const DIAL_MS = 5 * SECOND
/** How long before the end of a client certificate it is reported. */
const SOON_MS = 14 * DAY

/** Upstreams without TLS on another machine, and whether connections with TLS work. */
export async function examineUpstreams(config: Pick<Config, 'upstreams' | 'site'>, clock: Clock): Promise<Finding[]> {
  const all = everyUpstream(config)
  const secure = all.filter(({ target }) => target.origin.startsWith('https:'))
  const dialled = await Promise.all(secure.map(async upstream => judgeDial(upstream, await dial(upstream, DIAL_MS))))
  return [...judgePlain(all), ...secure.flatMap(upstream => judgeValidity(upstream, clock.now().wall)), ...dialled]
}

function judgePlain(upstreams: readonly Upstream[]): Finding[] {
  return plainHttpElsewhere(upstreams).map(({ name, target }) =>
    warn(
      `Upstream "${name}" uses plain http at ${target.origin}, so its tokens and data can be read on the network`,
      'Give it TLS and an https target, or run it on this machine. On a private network you can ignore this.',
    ),
  )
}

/**
 * The certificate with which this site identifies itself to an upstream.
 * @returns [] if there is none, or it is valid for a while
 */
export function judgeValidity({ name, tls }: Pick<Upstream, 'name' | 'tls'>, now: UnixMs): Finding[] {
  const client = tls?.client ?? null
  if (client === null) return []
  const { from, until } = validityOf(client)
  const date = (at: UnixMs) => new Date(at).toISOString().slice(0, 10)
  const whose = `The client certificate for upstream "${name}"`
  if (now < from) return [fail(`${whose} is not valid before ${date(from)}`, 'Set the clock, or use another one.')]
  if (now > until) return [fail(`${whose} expired on ${date(until)}`, 'Renew it, then start again.')]
  return until - now < SOON_MS ? [warn(`${whose} expires on ${date(until)}`, 'Renew it, then start again.')] : []
}

function judgeDial({ name, target, tls }: Pick<Upstream, 'name' | 'target' | 'tls'>, code: string | null): Finding {
  if (code === null) return ok(`Upstream "${name}" has a trusted certificate`)
  const { hostname } = new URL(target.origin)
  const { ca, client } = tls ?? { ca: null, client: null }
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(code))
    return fail(`The certificate of upstream "${name}" is not valid now (${code})`, 'Renew it, or set the clock.')
  if (code.includes('ALTNAME'))
    return fail(
      `The certificate of upstream "${name}" is not for ${hostname} (${code})`,
      'Use the name that it is for in target.',
    )
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return fail(`Upstream "${name}" does not speak TLS at ${target.origin} (${code})`, 'Use http in target.')
  if (code.includes('ALERT') || (client !== null && code === 'ECONNRESET'))
    return fail(
      `Upstream "${name}" refused the TLS connection (${code})`,
      client === null
        ? 'It may require a client certificate: set tls.cert and tls.key.'
        : 'Check that it trusts the issuer of tls.cert.',
    )
  if (isTlsFailure(code))
    return fail(
      `The certificate of upstream "${name}" is not trusted here (${code})`,
      ca === null
        ? 'If a CA of your own issued it, set tls.ca to the certificate of that CA. Otherwise let the upstream send the intermediate certificates too.'
        : 'Another CA than those in tls.ca issued it.',
    )
  return warn(`Upstream "${name}" cannot be reached at ${target.origin} (${code})`, 'Start it, or correct its target.')
}
