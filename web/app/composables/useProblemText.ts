import type { Problem } from '~/utils/api-problem'

const IN_MINUTES_FROM_SECONDS = 90

/** One plain sentence in the reader's language; a provider goes by its name where the page knows it. */
export function useProblemText(): (problem: Problem) => string {
  const { t, has } = useI18n()
  const providerName = useProviderName()
  return ({ code, retryAfter = 0, minLength = 0, provider = '' }) => {
    if (code === 'slow_down' && retryAfter > 0) {
      return retryAfter < IN_MINUTES_FROM_SECONDS
        ? t('problem.slowSeconds', { seconds: retryAfter })
        : t('problem.slowMinutes', { minutes: Math.ceil(retryAfter / 60) })
    }
    return t(`problem.${has(`problem.${code}`) ? code : 'internal'}`, { minLength, provider: providerName(provider) })
  }
}
