import { isReserved } from '#contract/reserved.ts'

/** Tells the pages of this site from an upstream's or another front end's, which take a full load. */
export function useOwnPages(): (path: string) => boolean {
  const router = useRouter()
  const { ownPages } = useSiteContext()
  return path => {
    const to = router.resolve(path)
    return to.name !== 'missing' && (ownPages.value || isReserved(to.path) || to.meta.reserved === true)
  }
}
