/** Keeps a name's writing direction to itself inside a sentence (Unicode FSI … PDI). */
export const isolate = (name: string): string => `\u2068${name}\u2069`
