/** Does what a button asks for and says in a toast how it went. */
export function useAttempt() {
  const text = useProblemText()
  const { say } = useToast()

  /** @returns whether it worked */
  return async (work: () => Promise<unknown>, done?: string): Promise<boolean> => {
    try {
      await work()
    } catch (error) {
      say(text(problemOf(error)), 'bad')
      return false
    }
    if (done !== undefined) say(done)
    return true
  }
}
