import type { PasswordStrength } from '#contract/wire.ts'

/** By a link, the code says whose password it is. */
export interface PasswordOwner {
  name?: string
  email?: string
  code?: string
}

/** Only once typing pauses: each time is a request. */
const PAUSE_MS = 400

/**
 * Measures a password while it is typed. The length is counted here, and only what is long enough is judged by the
 * server, whose rules and lists are the ones that count in the end.
 */
export function usePasswordMeter(password: Ref<string>, minLength: Ref<number>, owner: () => PasswordOwner) {
  const api = useApi()
  /** Characters as the server counts them, or 0 if there is nothing to say yet. */
  const missing = computed(() => {
    const length = [...password.value.normalize('NFC')].length
    return length === 0 ? 0 : Math.max(0, minLength.value - length)
  })
  const measured = ref<PasswordStrength | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined

  watch([password, () => JSON.stringify(owner())], () => {
    clearTimeout(timer)
    if (password.value === '' || missing.value > 0) {
      measured.value = null
      return
    }
    timer = setTimeout(() => void measure(), PAUSE_MS)
  })
  onBeforeUnmount(() => clearTimeout(timer))

  /** Without an answer there is no meter; the form says what is wrong when it is sent. */
  async function measure(): Promise<void> {
    const asked = password.value
    const answer = await api<PasswordStrength>('/auth/password/strength', {
      method: 'POST',
      body: { password: asked, ...filled(owner()) },
    }).catch(() => null)
    if (password.value === asked) measured.value = answer
  }
  return { missing, measured }
}

function filled(owner: PasswordOwner): PasswordOwner {
  return Object.fromEntries(Object.entries(owner).filter(([, value]) => (value as string).trim() !== ''))
}
