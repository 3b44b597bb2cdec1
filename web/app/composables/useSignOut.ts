/** Signs out, then goes where the server says: our own page, or under /auth on to the provider, by a full load. */
export function useSignOut(): () => Promise<void> {
  const { clear } = useUserSession()
  return async () => {
    const next = await clear()
    await navigateTo(next, { external: next.startsWith('/auth/') })
  }
}
