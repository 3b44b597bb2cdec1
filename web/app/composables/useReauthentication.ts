const waiting = shallowRef<((confirmed: boolean) => void) | null>(null)

/** Some changes need a recent sign-in. The dialog answers `ask`, and the caller goes on or gives up. */
export function useReauthentication() {
  function ask(): Promise<boolean> {
    waiting.value?.(false)
    return new Promise(resolve => {
      waiting.value = resolve
    })
  }
  function answer(confirmed: boolean): void {
    waiting.value?.(confirmed)
    waiting.value = null
  }
  return { asked: computed(() => waiting.value !== null), ask, answer }
}
