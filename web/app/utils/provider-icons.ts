/** Drawings that a provider's `icon` can name, as lines in a 24 × 24 box; none may be fetched from another origin. */
const PROVIDER_ICONS: Readonly<Record<string, string>> = {
  'key-round': 'M12.500 11.500 20 4m-3.500 3.500 3 3M13 16a4.500 4.500 0 1 1-9 0a4.500 4.500 0 0 1 9 0z',
  'shield-check':
    'M12 3l7 2.500v5.500c0 4.500-2.700 8-7 10c-4.300-2-7-5.500-7-10V5.500zM8.800 11.800l2.300 2.300 4.200-4.400',
  fingerprint:
    'M4.500 9.500a8 8 0 0 1 15 0M5 15.500c.5-1.500.5-2.500.5-3.500a6.500 6.500 0 0 1 13 0c0 2 0 3.500-.5 5.500M8.500 18.500c.7-2 .5-4.500.5-6.500a3 3 0 0 1 6 0c0 3 0 5.500-1.200 8.500M12 12c0 3.500.2 6-1 9',
  building: 'M5 21V4a1 1 0 0 1 1-1h8a1 1 0 0 1 1 1v17M15 9h3a1 1 0 0 1 1 1v11M3 21h18M9 7h2M9 11h2M9 15h2',
  google: 'M12.500 12h8a8.500 8.500 0 1 1-2.700-6.200',
  microsoft: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  github:
    'M6 8.500 5.500 4l3.700 1.700a10 10 0 0 1 5.600 0L18.500 4 18 8.500c3.500 4.500.5 9-3.500 9.500v3h-5v-3C5.500 17.500 2.500 13 6 8.500zM9.500 20c-3 .8-4-.5-5-2',
}

/** @returns null for an unknown name: the provider then gets a letter */
export function providerIcon(name: string): string | null {
  return Object.hasOwn(PROVIDER_ICONS, name) ? (PROVIDER_ICONS[name] ?? null) : null
}

/** The first character of a name, as people perceive it. */
export function initialOf(name: string): string {
  const [first] = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(name.trim())
  return (first?.segment ?? '?').toLocaleUpperCase()
}
