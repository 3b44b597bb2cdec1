/**
 * The one-time code of a link. It is behind the `#`, which browsers send to nobody, and is taken out of the address at
 * once, so that it stays neither in the history nor in a shared screen.
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
