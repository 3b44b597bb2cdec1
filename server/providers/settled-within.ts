/** Waits until all promises have settled, but no longer than `ms`. */
export async function settledWithin(ms: number, work: Iterable<Promise<unknown>>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  // The timer keeps the process alive, so that the code after the wait runs.
  const timeout = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([Promise.allSettled(work), timeout])
  clearTimeout(timer)
}
