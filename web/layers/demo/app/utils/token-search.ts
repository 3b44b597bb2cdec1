import { tokensIn } from '#contract/demo/token-shapes.ts'

// The only file of the site that reads the places where scripts can store things, to show that nothing of ours is
// there. It writes nothing.

export const SEARCHED_PLACES = [
  'cookies',
  'storage',
  'databases',
  'caches',
  'globals',
  'payload',
  'html',
  'workers',
  'address',
  'answers',
] as const
export type SearchedPlace = (typeof SEARCHED_PLACES)[number]

/**
 * The result for one place. `found`: only the beginnings of what looks like a token, because showing it would leak it.
 */
export interface SearchResult {
  place: SearchedPlace
  characters: number
  found: string[]
}

type Collect = () => Promise<string[]> | string[]

/**
 * Searches every place in order. One that this browser lacks or does not open counts as empty.
 */
export async function lookThrough(places: Record<SearchedPlace, Collect>): Promise<SearchResult[]> {
  const results: SearchResult[] = []
  for (const place of SEARCHED_PLACES) {
    const texts = await Promise.resolve()
      .then(places[place])
      .catch(() => [])
    results.push({
      place,
      characters: texts.reduce((sum, text) => sum + text.length, 0),
      found: [...new Set(texts.flatMap(tokensIn))].map(token => `${token.slice(0, 12)}…`),
    })
  }
  return results
}

const BACKGROUND = { headers: { 'X-Porchlight-Background': '1' } }
const OWN_CALLS = ['/auth/session', '/auth/sessions', '/auth/events', '/auth/methods', '/auth/apps']

/**
 * Everything that JavaScript on this page can reach.
 * @param payload what the server rendered the page from
 */
export function reachablePlaces(payload: unknown): Record<SearchedPlace, Collect> {
  return {
    cookies: () => [document.cookie],
    storage: () =>
      [localStorage, sessionStorage].flatMap(storage =>
        Object.entries({ ...storage })
          .flat()
          .map(String),
      ),
    databases: async () =>
      (await Promise.all((await indexedDB.databases()).map(({ name }) => readDatabase(name ?? '')))).flat(),
    caches: readCaches,
    // Frameworks attach objects to elements: the whole application is reachable from its root.
    globals: () => stringsIn([window, ...document.querySelectorAll('*')]),
    payload: () => stringsIn(payload),
    html: async () => [document.documentElement.outerHTML, await (await fetch(location.pathname, BACKGROUND)).text()],
    workers: async () =>
      (await navigator.serviceWorker.getRegistrations()).flatMap(one => [one.scope, one.active?.scriptURL ?? '']),
    address: () => [
      location.href,
      document.referrer,
      window.name,
      ...stringsIn(history.state),
      ...performance.getEntries().map(entry => entry.name),
    ],
    answers: async () =>
      (await Promise.all(OWN_CALLS.map(async path => answerTexts(await fetch(path, BACKGROUND))))).flat(),
  }
}

async function answerTexts(answer: Response): Promise<string[]> {
  return [...[...answer.headers].flat(), await answer.text()]
}

async function readCaches(): Promise<string[]> {
  const texts: string[] = []
  for (const name of await caches.keys()) {
    const cache = await caches.open(name)
    texts.push(name)
    for (const request of await cache.keys()) {
      const answer = await cache.match(request)
      texts.push(request.url, ...(answer === undefined ? [] : await answerTexts(answer)))
    }
  }
  return texts
}

async function readDatabase(name: string): Promise<string[]> {
  const done = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error as Error)
    })
  const database = await done(indexedDB.open(name))
  const stores = [...database.objectStoreNames]
  const contents = await Promise.all(stores.map(store => done(database.transaction(store).objectStore(store).getAll())))
  database.close()
  return [name, ...stores, ...stringsIn(contents)]
}

const DEEPEST = 24
const MOST = 400_000

/**
 * Every string and property name reachable from a value through own properties. What the browser defines is on
 * prototypes and is skipped.
 */
function stringsIn(root: unknown): string[] {
  const texts: string[] = []
  const seen = new Set<object>()
  // Breadth first: what is deep on one path may be near on another.
  const waiting: [value: unknown, depth: number][] = [[root, 0]]
  for (const [value, depth] of waiting) {
    if (seen.size > MOST) break
    if (typeof value === 'string') texts.push(value)
    if (
      value === null ||
      (typeof value !== 'object' && typeof value !== 'function') ||
      seen.has(value) ||
      depth > DEEPEST
    )
      continue
    seen.add(value)
    for (const [name, inner] of insides(value)) {
      texts.push(name)
      waiting.push([inner, depth + 1])
    }
  }
  return texts
}

function insides(value: object): [string, unknown][] {
  if (value instanceof Map || value instanceof Set) return [...value.entries()].flat().map(inner => ['', inner])
  if (ArrayBuffer.isView(value)) return []
  // Prototypes hold what the browser defines, and some of those getters throw.
  return Object.getOwnPropertyNames(value)
    .filter(name => name !== 'prototype')
    .map(name => {
      try {
        return [name, (value as Record<string, unknown>)[name]]
      } catch {
        // Some properties of a window throw when read.
        return [name, null]
      }
    })
}

/** A fake token with the shape of a real one. */
export function madeUpToken(): string {
  const part = (length: number) =>
    btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(length)))).replaceAll(/[+/=]/g, '_')
  return `eyJ${part(24)}.${part(60)}.${part(48)}`
}
