export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const isChosen = (value: string): value is 'light' | 'dark' => value === 'light' || value === 'dark'

/** The chosen colour theme. `system` sets no cookie: the style sheet follows the device, before any script runs. */
export function useTheme() {
  const cookie = usePreference('porchlight-theme', isChosen)
  const { paper } = useBrand().value
  const theme = computed<Theme>({
    get: () => cookie.value ?? 'system',
    set: next => {
      cookie.value = next === 'system' ? null : next
    },
  })
  const attribute = computed(() => (theme.value === 'system' ? undefined : theme.value))
  /** The colour of a phone's own bars. */
  const barColours = computed(() =>
    attribute.value !== undefined
      ? [{ name: 'theme-color', content: paper[attribute.value] }]
      : (['light', 'dark'] as const).map(scheme => ({
          name: 'theme-color',
          content: paper[scheme],
          media: `(prefers-color-scheme: ${scheme})`,
          key: `theme-color-${scheme}`,
        })),
  )
  return { theme, attribute, barColours }
}
