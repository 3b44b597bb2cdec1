import type { ProofRun, ProofScenario } from '#contract/demo/wire-proof.ts'
import type { Problem } from '~/utils/api-problem'

/** About how long each takes: two access token lifetimes for the theft, one and a pause for the lost response. */
const ABOUT_MS: Record<ProofScenario, number> = { storm: 4500, 'lost-answer': 7000, thief: 8500 }
const TICK_MS = 200

/** One demonstration: ready, running, done (passed or not) or failed to run. */
export function useProof(scenario: ProofScenario) {
  const api = useApi()
  // The server runs one at a time per account.
  const busy = useState<ProofScenario | null>('proof', () => null)
  const run = ref<ProofRun | null>(null)
  const problem = ref<Problem | null>(null)
  const passedMs = ref(0)
  const running = computed(() => busy.value === scenario)

  async function start(): Promise<void> {
    if (busy.value !== null) return
    busy.value = scenario
    run.value = null
    problem.value = null
    passedMs.value = 0
    const timer = setInterval(() => {
      passedMs.value += TICK_MS
    }, TICK_MS)
    try {
      run.value = await api<ProofRun>(`/auth/proof/${scenario}`, { method: 'POST' })
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      clearInterval(timer)
      busy.value = null
    }
  }
  return { run, problem, running, busy, start, passedMs, aboutMs: ABOUT_MS[scenario] }
}

/** Formats durations in the reader's language: "4.1 s", "38 ms". */
export function useProofTime() {
  const { t, locale } = useI18n()
  return (ms: number): string => {
    if (ms < 1000) return t('proof.milliseconds', { n: Math.round(ms) })
    const format = new Intl.NumberFormat(locale.value, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
    return t('proof.seconds', { n: format.format(ms / 1000) })
  }
}
