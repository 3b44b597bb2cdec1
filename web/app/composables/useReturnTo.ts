import { HOME, safeReturnTo } from '#contract/return-to.ts'

type Page = Pick<ReturnType<typeof useRoute>, 'path' | 'fullPath' | 'query'>

/** Leaving for a sign-in, and coming back from it. */
export function useReturning() {
  const { documents } = useSiteContext()
  const isOwnPage = useOwnPages()

  const read = ({ returnTo }: Page['query']): string => safeReturnTo(returnTo, documents.value)
  return {
    read,
    /** Where to return to from a page. A sign-in is as recent as a confirmation, so that one is skipped. */
    wantedBy: (page: Page) => (page.path === '/reauthenticate' ? read(page.query) : page.fullPath),
    /** Leaves for a path. The router would show nothing where an upstream or another front end has the page. */
    goTo: (path: string) => navigateTo(path, { replace: true, external: !isOwnPage(path) }),
  }
}

/** Where a sign-in on this page leads: to the page that required it, named by `returnTo` in the address. */
export function useReturnTo() {
  const route = useRoute()
  const { read, goTo } = useReturning()
  const returnTo = computed(() => read(route.query))
  return {
    returnTo,
    /** For links to other pages that lead there. */
    query: computed(() => (returnTo.value === HOME ? {} : { returnTo: returnTo.value })),
    goTo,
  }
}
