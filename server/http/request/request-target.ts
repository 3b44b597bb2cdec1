import type { IncomingMessage } from 'node:http'

/**
 * Converts a target in absolute form (RFC 9112 §3.2.2) for this site to a path, with the URL's authority as Host
 * whatever Host was sent, so that everything after this only handles one form. An absolute target for another site is
 * left as it is, and the path guard rejects it.
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

/** @returns null unless it is a URL of this origin that all programs parse alike */
function pathOf(target: string, origin: string): string | null {
  const [, schemeAndAuthority = '', rest = ''] = /^(https?:\/\/[\w.:[\]-]+)([/?].*)?$/is.exec(target) ?? []
  if (!URL.canParse(schemeAndAuthority) || new URL(schemeAndAuthority).origin !== origin) return null
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Replaces the existing Host headers, so that a request with none or several is still rejected. */
function nameHost(incoming: IncomingMessage, host: string): void {
  const { rawHeaders } = incoming
  const indexes = rawHeaders.flatMap((name, at) => (at % 2 === 0 && name.toLowerCase() === 'host' ? [at + 1] : []))
  for (const index of indexes) rawHeaders[index] = host
  if (indexes.length > 0) incoming.headers.host = host
}
