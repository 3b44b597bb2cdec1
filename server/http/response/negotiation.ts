/** The best coding that both sides have; `q=0` is a no, and finer preferences are not worth a parser. */
export function chooseEncoding(accepted: string | undefined, available: readonly ('br' | 'gzip')[]): 'br' | 'gzip' | null {
  if (accepted === undefined) return null
  const offers = accepted.split(',').map(offer => offer.trim().toLowerCase())
  return available.find(coding => offers.some(offer => offer === coding || (offer.startsWith(`${coding};`) && !/;\s*q=0(?:\.0*)?$/.test(offer)))) ?? null
}

/** Whether a client has this very answer already (RFC 9110 §13.1.2). */
export function matchesEtag(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch === '*' || ifNoneMatch.split(',').some(one => one.trim().replace(/^W\//, '') === etag)
}
