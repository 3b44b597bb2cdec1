const waiting = shallowRef<((confirmed: boolean) => void) | null>(null)

/** Some changes ask for the password again. The dialog answers; whoever called goes on or gives up. */
export function useReauthentication() {
  function ask(): Promise<boolean> {
    waiting.value?.(false)
    return new Promise(resolve => {
      waiting.value = resolve
    })
  }
  function settle(confirmed: boolean): void {
    waiting.value?.(confirmed)
    waiting.value = null
  }
  return { asked: computed(() => waiting.value !== null), ask, settle }
}
