import type { Theme } from '~/utils/themes'

const YEAR_SECONDS = 365 * 24 * 60 * 60

/** The chosen colour theme. `system` keeps no cookie: the style sheet follows the device by itself, before any script. */
export function useTheme() {
  const cookie = useCookie<string | null>('porchlight-theme', { maxAge: YEAR_SECONDS, sameSite: 'lax', path: '/' })
  const theme = computed<Theme>({
    get: () => THEMES.find(name => name === cookie.value) ?? 'system',
    set: (next) => { cookie.value = next === 'system' ? null : next },
  })
  const attribute = computed(() => theme.value === 'system' ? undefined : theme.value)
  return { theme, attribute }
}
