/** One line of the doctor's report. `advice` says what to do, if anything. */
export interface Finding {
  state: 'ok' | 'warn' | 'fail'
  what: string
  advice: string | null
}

export const ok = (what: string): Finding => ({ state: 'ok', what, advice: null })
export const warn = (what: string, advice: string): Finding => ({ state: 'warn', what, advice })
export const fail = (what: string, advice: string): Finding => ({ state: 'fail', what, advice })
