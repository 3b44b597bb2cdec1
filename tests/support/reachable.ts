/** What a malicious script on the page could get at, as one text. */
export const EVERYTHING_REACHABLE = `(async () => {
  const found = [document.documentElement.outerHTML, document.cookie]
  for (const storage of [localStorage, sessionStorage]) found.push(JSON.stringify(storage))
  found.push(JSON.stringify(performance.getEntries().map(entry => entry.name)), location.href, document.referrer, window.name)
  for (const path of ['/auth/session', '/auth/sessions', '/auth/events', '/auth/methods', location.pathname]) {
    const answer = await fetch(path)
    found.push(await answer.text(), JSON.stringify([...answer.headers]))
  }
  for (const key of await caches.keys()) found.push(key)
  for (const { name } of await indexedDB.databases()) found.push(name)
  const seen = new Set()
  const walk = (value, depth) => {
    if (typeof value === 'string') return void found.push(value)
    if (value === null || typeof value !== 'object' || seen.has(value) || depth > 6 || value instanceof Node) return
    seen.add(value)
    for (const key of Object.keys(value)) { try { walk(value[key], depth + 1) } catch {} }
  }
  for (const key of Object.getOwnPropertyNames(window)) { try { walk(window[key], 0) } catch {} }
  return found.join('\\n')
})()`
