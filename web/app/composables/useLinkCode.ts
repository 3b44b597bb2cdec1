/**
 * Takes the one-time code out of a link. Browsers send nothing behind the `#`; removing it also keeps the code out of
 * the history and of shared screens.
 */
export function useLinkCode(take: (code: string) => void): void {
  const route = useRoute()
  const router = useRouter()
  onMounted(() => {
    const code = new URLSearchParams(route.hash.slice(1)).get('code')
    if (code === null) return
    take(code)
    void router.replace({ path: route.path, query: route.query })
  })
}
