interface Rule {
  cache?: unknown
  swr?: unknown
  isr?: unknown
}

/**
 * A page is for one visitor: who is signed in, and the nonce that lets its scripts run, are of one request. A cached
 * page would show one person's to everybody, or run nothing. Prerendering refuses by itself where a page reads the
 * session.
 * @throws for the first rule that caches anything but the site's own server routes
 */
export function refuseCachedPages(rules: Readonly<Record<string, Rule>>): void {
  for (const [path, { cache, swr, isr }] of Object.entries(rules)) {
    if ((cache || swr || isr) && !path.startsWith('/api/')) {
      throw new Error(
        `routeRules['${path}'] caches a page. Pages contain a session and a nonce: cache the data that they read instead.`,
      )
    }
  }
}
