import type { IncomingMessage } from 'node:http'

/**
 * Brings a request whose target is a whole URL of this site (RFC 9112 §3.2.2) into the usual form: a path, and the
 * URL's authority as its Host, whatever Host it came with. Everything after this sees one form only. A target elsewhere
 * stays as it is: it is no path, and the path guard refuses it.
 */
export function toOriginForm(publicUrl: string) {
  const { origin } = new URL(publicUrl)
  return (incoming: IncomingMessage): void => {
    const target = incoming.url ?? ''
    if (target.startsWith('/')) return
    const path = pathOf(target, origin)
    if (path === null) return
    incoming.url = path
    nameHost(incoming, new URL(origin).host)
  }
}

/** @returns null: no URL of this origin, or one that two programs could read differently */
function pathOf(target: string, origin: string): string | null {
  const [, schemeAndAuthority = '', rest = ''] = /^(https?:\/\/[\w.:[\]-]+)([/?].*)?$/is.exec(target) ?? []
  if (!URL.canParse(schemeAndAuthority) || new URL(schemeAndAuthority).origin !== origin) return null
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** A request with no Host, or with several, stays refusable: only one that there is gives way. */
function nameHost(incoming: IncomingMessage, host: string): void {
  const { rawHeaders } = incoming
  const places = rawHeaders.flatMap((name, at) => (at % 2 === 0 && name.toLowerCase() === 'host' ? [at + 1] : []))
  for (const place of places) rawHeaders[place] = host
  if (places.length > 0) incoming.headers.host = host
}
