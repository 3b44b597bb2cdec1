/**
 * As `useLinkCode`, for a page that its reader may have to sign in for: the code waits in memory, where a reload ends it.
 * @returns forgets it
 */
export function useKeptLinkCode(take: (code: string) => void): () => void {
  const kept = useState<string | null>('link-code', () => null)
  useLinkCode(code => {
    kept.value = code
    take(code)
  })
  onMounted(() => {
    if (kept.value !== null) take(kept.value)
  })
  return () => {
    kept.value = null
  }
}
