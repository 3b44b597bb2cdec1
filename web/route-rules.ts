interface Rule {
  cache?: unknown
  swr?: unknown
  isr?: unknown
}

/**
 * Refuses cached pages: the session and the nonce belong to one request, so a cached page would show one person's data
 * to everybody, or run no script. Prerendering fails by itself when a page reads the session.
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
