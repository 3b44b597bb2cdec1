/** The sentences of a language, by nested keys. */
export interface Words {
  [key: string]: string | Words
}
/** What fills a sentence's placeholders. A number `n`, which may come alone, also selects the plural. */
export type Values = number | Readonly<Record<string, string | number>>

/**
 * The sentence at `key`, such as `account.title`, with its placeholders filled; the key itself if there is none.
 * Plural forms are separated by ` | `: zero, one and more, or one and more.
 */
export function translate(words: Words, key: string, values: Values = {}): string {
  const found = sentenceAt(words, key)
  if (found === null) return key
  const gaps: Readonly<Record<string, string | number>> = typeof values === 'number' ? { n: values } : values
  const sentence = typeof gaps['n'] === 'number' ? plural(found.split(' | '), gaps['n']) : found
  return sentence.replace(/\{(\w+)\}/g, (gap, name: string) => String(gaps[name] ?? gap))
}

export function sentenceAt(words: Words, key: string): string | null {
  let found: string | Words | undefined = words
  for (const part of key.split('.')) {
    if (found === undefined || typeof found === 'string' || !Object.hasOwn(found, part)) return null
    found = found[part]
  }
  return typeof found === 'string' ? found : null
}

/** Keeps a name's writing direction to itself inside a sentence (Unicode FSI … PDI). */
export const isolate = (name: string): string => `\u2068${name}\u2069`

function plural(forms: readonly string[], n: number): string {
  const index = forms.length > 2 ? Math.min(n, 2) : n === 1 ? 0 : 1
  return forms[Math.min(index, forms.length - 1)] ?? ''
}
